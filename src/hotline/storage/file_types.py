"""Detects a file's type by its first bytes, never by its name or declared type."""

JPEG, PNG, GIF, WEBP, HEIC = "image/jpeg", "image/png", "image/gif", "image/webp", "image/heic"
PDF, MP4, MP3, WAV, AMR, OGG = "application/pdf", "video/mp4", "audio/mpeg", "audio/wav", "audio/amr", "audio/ogg"
ACCEPTED_TYPES = (JPEG, PNG, GIF, WEBP, HEIC, PDF, MP4, MP3, WAV, AMR, OGG)
TYPE_ALIASES = {
    "image/jpg": JPEG,
    "image/heif": HEIC,
    "audio/mp3": MP3,
    "audio/x-wav": WAV,
    "audio/wave": WAV,
    "audio/mp4": MP4,
    "video/quicktime": MP4,
}
FIRST_BYTES = 32
EXTENSIONS = {  # the usual one first
    JPEG: (".jpg", ".jpeg"),
    PNG: (".png",),
    GIF: (".gif",),
    WEBP: (".webp",),
    HEIC: (".heic", ".heif"),
    PDF: (".pdf",),
    MP4: (".mp4", ".m4a", ".mov"),
    MP3: (".mp3",),
    WAV: (".wav",),
    AMR: (".amr",),
    OGG: (".ogg", ".oga", ".opus"),
}


def media_type_of(head: bytes) -> str | None:
    """The type the first bytes show. None: not one we take."""
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE"):
        return WEBP if head[8:12] == b"WEBP" else WAV
    if head.startswith(b"%PDF-"):
        return PDF
    if head[4:8] == b"ftyp":
        return HEIC if head[8:12] in (b"heic", b"heix", b"mif1", b"msf1") else MP4
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06):
        return MP3
    if head.startswith(b"#!AMR"):
        return AMR
    if head.startswith(b"OggS"):
        return OGG
    return None


def is_declared_type(declared: str | None, detected: str) -> bool:
    """Whether the declared type matches the detected one. True where none is declared."""
    if not declared or declared == "application/octet-stream":
        return True
    declared = declared.split(";")[0].strip().lower()
    return TYPE_ALIASES.get(declared, declared) == detected


def plain_name(sent: str | None, otherwise: str) -> str:
    """The name of a file without the folders and the signs that a sender put into it, at most 120 characters."""
    name = (sent or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in name if c.isprintable())[:120] or otherwise


def name_with_extension(name: str, media_type: str) -> str:
    """The name of a file with an extension of its type; any other is replaced, as a program would be chosen by it. A
    trailing point or blank, which Windows drops, is dropped first."""
    extensions = EXTENSIONS.get(media_type, (".bin",))
    cut = name.rstrip(". ")
    stem, point, extension = cut.rpartition(".")
    if point and f".{extension.lower()}" in extensions:
        return cut
    return ((stem if point else cut).rstrip(". ") or "file") + extensions[0]
