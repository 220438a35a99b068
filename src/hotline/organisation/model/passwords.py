"""Which passwords will do."""

from hotline.refusals import Code, Refusal, Refused

# NIST SP 800-63B asks for 15 characters or more where a password is the only proof, ASVS 5.0 for 8; 12 with a check
# against guessing lies between
MIN_LENGTH, MAX_LENGTH = 12, 200


def check_password(password: str, login: str, field: str = "password") -> None:
    """Long enough, and not the login itself. No rule of what it is made of."""
    rule = None
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        rule = f"{MIN_LENGTH}-{MAX_LENGTH} characters"
    elif login.casefold() in password.casefold():
        rule = "without the login in it"
    if rule is not None:
        raise Refused(Refusal(Code.INVALID, "the password will not do", errors=((field, rule),)))
