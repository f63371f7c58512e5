"""What Flask-Security says, in our words. It asks our own catalogue for the reader's language."""


def N_(text: str) -> str:
    """Marks a text that is translated later."""
    return text


MESSAGES = {
    "GENERIC_AUTHN_FAILED": N_("邮箱或密码不对，请再看看"),
    "USER_DOES_NOT_EXIST": N_("邮箱或密码不对，请再看看"),
    "DISABLED_ACCOUNT": N_("邮箱或密码不对，请再看看"),
    "INVALID_EMAIL_ADDRESS": N_("邮箱或密码不对，请再看看"),
    "EMAIL_NOT_PROVIDED": N_("请填邮箱"),
    "PASSWORD_NOT_PROVIDED": N_("请填密码"),
    "INVALID_PASSWORD": N_("密码不对，请再看看"),
    "PASSWORD_INVALID_LENGTH": N_("新密码至少要%(length)s位"),
    "PASSWORD_TOO_SIMPLE": N_("新密码太简单了，换一个别人猜不到的"),
    "PASSWORD_IS_THE_SAME": N_("新密码和现在的一样，请换一个"),
    "RETYPE_PASSWORD_MISMATCH": N_("两次填的新密码不一样"),
    "TWO_FACTOR_INVALID_TOKEN": N_("验证码不对，或者刚用过。等手机上换了新的再填"),
    "INVALID_RECOVERY_CODE": N_("备用码不对，或者已经用过了"),
    "TWO_FACTOR_METHOD_NOT_AVAILABLE": N_("您的岗位要用手机验证码，不能关掉"),
    "API_ERROR": N_("填的内容不对，请再看看"),
    "INVALID_INPUT": N_("填的内容不对，请再看看"),
    "INVALID_REDIRECT": N_("填的内容不对，请再看看"),
}
