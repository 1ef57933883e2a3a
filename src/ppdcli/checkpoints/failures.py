"""Makes the messages about failed downloads: one line with the cause and what to do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppdcli.checkpoints.catalog_rows import FALLBACK, Model, Part
from ppdcli.checkpoints.pins import pin_of
from ppdcli.checkpoints.transfer import one_line
from ppdcli.errors import CheckpointError, shown
from ppdcli.wording import counted

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
LOG_IN = "set HF_TOKEN or run `hf auth login`"


@dataclass(frozen=True)
class Want:
    """A file that is needed.

    Attributes:
        part: the file.
        model: the model that needs it; None if the file itself was asked for.
    """

    part: Part
    model: Model | None = None

    @property
    def what(self) -> str:
        """The file and what it is for, for messages."""
        if self.model is None:
            return self.part.address
        return (
            f"{self.part.address} {'for metres' if self._for_metres else f'of {self.model.name}'}"
        )

    @property
    def without(self) -> str:
        """How to go on without it."""
        return "do without metres" if self._for_metres else f"use the model {FALLBACK}"

    @property
    def _for_metres(self) -> bool:
        model = self.model
        return model is not None and self.part == model.metric and self.part not in model.parts


def failure(want: Want, cause: str, advice: str = "") -> CheckpointError:
    """Returns the error of a failed download. It always says how to get the file by hand."""
    source = "by hand" if want.part.get is None else f"from {want.part.get}"
    by_hand = (
        f"get it {source} and run `ppd weights import FILE --as {want.part.name}`, or "
        f"{want.without}"
    )
    return CheckpointError(f"{want.what}: {cause}; {advice}{', or ' if advice else ''}{by_hand}")


def missing_certificates() -> str | None:
    """Returns a line about a variable that names missing certificates, if there is one."""
    for name in CERTIFICATES:
        value = os.environ.get(name)
        if value and not os.path.exists(value):  # noqa: PTH110  it raises no errors
            return f"{name} names {shown(value, 1000)}, which is not there"
    return None


def another(want: Want, difference: str) -> CheckpointError:
    """Returns the error if the Hub's file is not the known one."""
    part = want.part
    pinned = pin_of(part)
    if pinned is None:
        cause = f"the Hub's file is not the catalogue's, it has {difference}; refused"
        return failure(want, cause, "check HF_ENDPOINT")
    cause = f"the Hub's file is not what was pinned on {pinned.date}, it has {difference}; refused"
    return failure(want, cause, f"run `ppd weights remove {part.name}` to allow the new one")


def differing(found: str, expected: str) -> str:
    """Returns a text about two hashes that should be equal."""
    return f"sha256 {found[:12]} instead of {expected[:12]}"


def refused(want: Want, error: HfHubHTTPError) -> CheckpointError:
    """Returns the error for a refusal of the Hub."""
    return failure(want, *_refusal(error, want.part))


def _refusal(error: HfHubHTTPError, part: Part) -> tuple[str, str]:
    """Returns the cause and what to do, each as a part of a sentence."""
    from huggingface_hub import constants

    answer = error.response
    status, code = answer.status_code, answer.headers.get("X-Error-Code")
    if code == "GatedRepo":
        page = f"{constants.ENDPOINT}/{part.repository}"
        return (
            f"its owners require that you agree to their terms ({status})",
            f"agree at {page}, then {LOG_IN}",
        )
    if status == 401:
        if "authorization" in answer.request.headers:
            return "the Hub does not accept your token (401)", f"renew it: {LOG_IN}"
        return "the Hub requires a login, or has no such repository (401)", LOG_IN
    if status == 403:
        return "the Hub refuses access (403)", f"{LOG_IN} with an account that may read it"
    if status == 404:
        pinned = pin_of(part)
        if code == "RevisionNotFound" and pinned is not None and part.revision is None:
            return (
                f"the Hub no longer has what was pinned here on {pinned.date} (404)",
                f"run `ppd weights remove {part.name}` to allow what it has now",
            )
        missing = {"RevisionNotFound": "revision", "EntryNotFound": "file"}.get(
            str(code), "repository"
        )
        return f"the Hub has no such {missing} (404)", "look for a newer ppdcli"
    if status == 429:
        wait = answer.headers.get("Retry-After", "")
        when = f"in {counted(int(wait), 'second')}" if wait.isdecimal() else "later"
        return "too many requests (429)", f"try again {when}; with a login more are allowed"
    if status >= 500:
        return f"the Hub has a failure ({status})", "try again later"
    return f"the Hub refuses ({one_line(error)})", "try again later"
