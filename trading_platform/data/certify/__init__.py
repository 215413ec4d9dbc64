"""Certificates: what is wrong or odd in market data, where, and what it does to a backtest."""

from .certify import Certificate, Overrides, certify
from .codes import Code, Severity, Verdict
from .model import FileCertificate, Finding
from .store import certify_files, read_certificate, verdict_of, write_certificates

__all__ = [
    "Certificate",
    "Code",
    "FileCertificate",
    "Finding",
    "Overrides",
    "Severity",
    "Verdict",
    "certify",
    "certify_files",
    "read_certificate",
    "verdict_of",
    "write_certificates",
]
