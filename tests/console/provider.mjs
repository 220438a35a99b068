// An identity provider on loopback (oidc-provider): anybody logs in under their name, whatever the password.
import { createServer } from "node:http";

const [library, given] = process.argv.slice(2);
const { client, people } = JSON.parse(given);
const { Provider } = await import(library);
let provider;
const server = createServer((request, response) => provider.callback()(request, response));
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  provider = new Provider(issuer, {
    clients: [client],
    claims: { openid: ["sub"], profile: ["name", "preferred_username"], groups: ["groups"] },
    scopes: ["openid", "profile", "groups"],
    cookies: { keys: ["of a test"] },
    features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    // its own way refuses addresses of this machine
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    findAccount: (context, id) => (people[id] ? { accountId: id, claims: () => ({ sub: id, ...people[id] }) } : undefined),
  });
  console.log(`issuer ${issuer}`);
});
