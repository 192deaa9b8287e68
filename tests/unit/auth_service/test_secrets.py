from uuid import uuid4

from auth_service.security.secrets import KeyedHash, Secret, new_code

KEYED = KeyedHash("k" * 32)


def test_secrets_have_256_bits_one_length_and_never_show_in_a_repr() -> None:
    secrets = {Secret.new().text for _ in range(1000)}
    assert len(secrets) == 1000
    assert {len(text) for text in secrets} == {43}
    assert Secret("abc").digest != Secret("abd").digest
    assert "abc" not in repr(Secret("abc"))
    assert "kkk" not in repr(KEYED)


def test_codes_are_eight_digits_also_when_small() -> None:
    codes = [new_code() for _ in range(2000)]
    assert all(len(code) == 8 and code.isdecimal() for code in codes)
    assert any(code.startswith("0") for code in codes)


def test_the_hash_of_a_code_is_good_for_one_token_and_one_key() -> None:
    token = uuid4()
    assert KEYED.code(token, "12345678") == KEYED.code(token, "12345678")
    assert KEYED.code(token, "12345678") != KEYED.code(uuid4(), "12345678")
    assert KEYED.code(token, "12345678") != KeyedHash("j" * 32).code(token, "12345678")


def test_a_recipients_tag_fits_the_envelope_and_hides_the_address() -> None:
    tag = KEYED.recipient_tag("linh@example.com")
    assert len(tag) == 32
    assert tag != KeyedHash("j" * 32).recipient_tag("linh@example.com")
