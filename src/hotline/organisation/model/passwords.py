"""Which passwords will do."""

from hotline.refusals import Code, Refusal, Refused

MIN_LENGTH, MAX_LENGTH = 10, 200


def check_password(password: str, login: str) -> None:
    """Long enough, and not the login itself."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH or login.casefold() in password.casefold():
        rule = f"{MIN_LENGTH}-{MAX_LENGTH} characters, without the login in it"
        raise Refused(Refusal(Code.INVALID, "the password will not do", errors=(("password", rule),)))
