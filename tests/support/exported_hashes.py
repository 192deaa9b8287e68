"""What other software wrote for one password, each at a low cost."""

from collections.abc import Mapping
from typing import Any

PASSWORD = "Trăng lên rồi"

EXPORTED: Mapping[str, str | Mapping[str, Any]] = {
    "django pbkdf2": "pbkdf2_sha256$20000$s4lt-of-Django$yAuKwyCItlzfIIuWxc2DVGGImV10pp1vRe/2fBSAwp4=",
    "django bcrypt": "bcrypt$$2b$08$I/kjfTxC2D5M4D1xCRxaV.dMXg/R495KwtIDkfN.7b5aNk5.oa7Ke",
    "django bcrypt over sha256": "bcrypt_sha256$$2b$08$PHUQIBrRxQmwortUpV938OH7lxImWzdhgW/KrBD0jQepGdjv68nuS",
    "django argon2": "argon2$argon2id$v=19$m=8192,t=2,p=2$c29tZXNhbHRvZmRqYW5nbw$69Q1/UnPQasRdoDoJ89MH5J0wdSwRhEYrpPCbXvyacE",
    "django scrypt": "scrypt$8192$somesaltofdjango$8$5$FcscGkvJOtJSbyrwdqKZnrfgZXtBNzzgWVJHEcPJWVz0o50ymQWgOYqKHSTSVUXh8JQjivyNWpbYTB5yb/HcPQ==",
    "passlib pbkdf2": "$pbkdf2-sha256$20000$pZRyDmFsrRUihNC6NybkHA$cSuUFeCdOwwQzjmz9j4eSiZa4sqCjmYTQ0u1pgUWfoc",
    "passlib pbkdf2 of sha512": "$pbkdf2-sha512$20000$633vfc85R4gRwlhLqVWKMQ$kg18WEyByhXhjc7Pwb08I7M7OLm4sdjcQkb/xPzkNNC01Fqx9gmBajUTYZWfpy9xVjxlRwCLH9xwqC7T9N4kUw",
    "passlib bcrypt": "$2b$08$W2GXKnNiA/.qyqecOXKzL.hsE2z4IynJwuVoMJiJ02SQUrD.ygtQy",
    "bcrypt of php": "$2y$08$W2GXKnNiA/.qyqecOXKzL.hsE2z4IynJwuVoMJiJ02SQUrD.ygtQy",
    "passlib bcrypt over sha256": "$bcrypt-sha256$v=2,t=2b,r=8$5JBuWEYnhXsaDFrCz6WrBO$kH1XeUtfKU59YqY7x0lg6B3C1N6W2KG",
    "passlib bcrypt over sha256, version 1": "$bcrypt-sha256$2b,8$sdUNlh8/N4Q93Uwm5vbeY.$rvM69DuchcGjQewhilBGxyBgWBtHn.S",
    "passlib scrypt": "$scrypt$ln=13,r=8,p=1$LAXgXCultFaKEcI4R4hxrg$1uZsRzs76AKWBkgpIAidMNYMJzRF5xSDxhKTX7vljQs",
    "passlib argon2": "$argon2id$v=19$m=8192,t=2,p=2$2DtHaM3Z21urtdZ6D0FoLQ$GLam4AXlRj/B7yfa4WT4pT2TZcxcHsfyCLSo01wbdh8",
    # Made by RFC 8018 in the form Keycloak stores: 512 bits of key.
    "keycloak pbkdf2": {
        "type": "password",
        "secretData": '{"value":"7cCLraJiDnSVqSOFF/CDy/+weGWd3SaxSBXQ+WHUBaw9jV0D/PkaCrmgYbA0JynkDMtKo0Uk1wY19qrP2pNufQ==","salt":"AAECAwQFBgcICQoLDA0ODw==","additionalParameters":{}}',
        "credentialData": '{"hashIterations":20000,"algorithm":"pbkdf2-sha256","additionalParameters":{}}',
    },
    "keycloak argon2": {
        "secretData": '{"value":"GLam4AXlRj/B7yfa4WT4pT2TZcxcHsfyCLSo01wbdh8=","salt":"2DtHaM3Z21urtdZ6D0FoLQ==","additionalParameters":{}}',
        "credentialData": '{"hashIterations":2,"algorithm":"argon2","additionalParameters":'
        '{"hashLength":["32"],"memory":["8192"],"type":["id"],"version":["1.3"],"parallelism":["2"]}}',
    },
}
