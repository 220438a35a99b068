// Searches for the counter that makes the hash of `challenge.counter` begin with enough zero bits. SHA-256 (FIPS 180-4) is written
// out: the browser's own answers one promise for each hash, and is not there on pages that come by http.
const K = new Int32Array(64), START = new Int32Array(8);
(() => {
  const fraction = (x) => ((x - Math.floor(x)) * 0x100000000) | 0;
  for (let n = 0, candidate = 2; n < 64; candidate++) {
    let prime = true;
    for (let d = 2; d * d <= candidate; d++) if (candidate % d === 0) { prime = false; break; }
    if (!prime) continue;
    if (n < 8) START[n] = fraction(Math.sqrt(candidate));
    K[n++] = fraction(Math.cbrt(candidate));
  }
})();
const W = new Int32Array(64);

function compress(from, block, at, to) {
  for (let i = 0; i < 16; i++) W[i] = (block[at + 4 * i] << 24) | (block[at + 4 * i + 1] << 16) | (block[at + 4 * i + 2] << 8) | block[at + 4 * i + 3];
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15], y = W[i - 2];
    W[i] = (W[i - 16] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) + W[i - 7] + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10)) | 0;
  }
  let a = from[0], b = from[1], c = from[2], d = from[3], e = from[4], f = from[5], g = from[6], h = from[7];
  for (let i = 0; i < 64; i++) {
    const t = (h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + K[i] + W[i]) | 0;
    const u = (((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c)) | 0;
    h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
  }
  to[0] = from[0] + a; to[1] = from[1] + b; to[2] = from[2] + c; to[3] = from[3] + d;
  to[4] = from[4] + e; to[5] = from[5] + f; to[6] = from[6] + g; to[7] = from[7] + h;
}

function solve(challenge) {
  const bits = Number(challenge.split(".")[2]), fixed = new TextEncoder().encode(`${challenge}.`), whole = fixed.length - fixed.length % 64;
  const prefix = Int32Array.from(START), state = new Int32Array(8), block = new Uint8Array(128), rest = fixed.length - whole;
  for (let at = 0; at < whole; at += 64) compress(prefix, fixed, at, prefix);
  block.set(fixed.subarray(whole));
  for (let counter = 0; ; counter++) {
    const digits = String(counter), length = rest + digits.length, end = length < 56 ? 64 : 128;
    for (let i = 0; i < digits.length; i++) block[rest + i] = digits.charCodeAt(i);
    block.fill(0, length);
    block[length] = 0x80;
    const size = (whole + length) * 8;
    block[end - 2] = size >>> 8; block[end - 1] = size & 255;
    compress(prefix, block, 0, state);
    if (end > 64) compress(state, block, 64, state);
    if (Math.clz32(state[0]) + (state[0] === 0 ? Math.clz32(state[1]) : 0) >= bits) return `${challenge}.${digits}`;
  }
}

addEventListener("message", (event) => postMessage(solve(event.data)));
