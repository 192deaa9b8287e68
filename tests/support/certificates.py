"""Certificates for servers of the tests, from authorities made on the spot."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=2)

NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Whom a client trusts that speaks plain HTTP: to read the public authorities would cost each 50 ms of a core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Signs certificates; trusted by whoever is given `certificate_file` (SSL_CERT_FILE)."""

    directory: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def below(cls, directory: Path) -> Self:
        """A new one that keeps its files in `directory`."""
        directory.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Authority of the tests")
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _builder(subject=name, issuer=name, key=key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        authority = cls(directory=directory, key=key, certificate=certificate)
        authority.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return authority

    @property
    def certificate_file(self) -> Path:
        """Its own certificate, PEM."""
        return self.directory / "authority.pem"

    @property
    def trust(self) -> ssl.SSLContext:
        """What a client that trusts this authority and nobody else connects with."""
        return ssl.create_default_context(cafile=self.certificate_file)

    def issue(self, host: str) -> Path:
        """A server's key and certificate in one PEM file, key first, for a host name or an IP address."""
        return self._issue(host, self.directory / f"{host}.pem", age=LIFETIME)

    def issue_expired(self, host: str) -> Path:
        """The same, but it expired `LIFETIME` ago."""
        return self._issue(host, self.directory / f"{host}.expired.pem", age=3 * LIFETIME)

    def _issue(self, host: str, path: Path, *, age: timedelta) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        own_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            _server_builder(host, issuer=self.certificate.subject, key=key, age=age)
            .add_extension(own_key, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _write(path, key, certificate)


def sign_oneself(host: str, directory: Path) -> Path:
    """A server's key and a certificate signed with it, as `Authority.issue` writes them."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _server_builder(host, issuer=_name(host), key=key, age=LIFETIME)
    return _write(directory / f"{host}.self-signed.pem", key, builder.sign(key, hashes.SHA256()))


def serving(path: Path) -> ssl.SSLContext:
    """What a server proves itself with; `load_cert_chain` on it changes the certificate while it runs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def _server_builder(
    host: str, *, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, age: timedelta
) -> x509.CertificateBuilder:
    return (
        _builder(subject=_name(host), issuer=issuer, key=key, age=age)
        .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _write(path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def _builder(
    *, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, age: timedelta = LIFETIME
) -> x509.CertificateBuilder:
    valid_from = datetime.now(UTC) - age
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid_from)
        .not_valid_after(valid_from + 2 * LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
