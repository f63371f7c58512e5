"""wrk: asks for pages as fast as a server gives them, over kept connections."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = """
local paths = {%(paths)s}
local at = 0
wrk.headers = {%(headers)s}
request = function()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at])
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%%d,"us":%%d,"p99":%%d,"bad":%%d}\\n', summary.requests, summary.duration,
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What one go came to: answers a second, 99 % were faster than `p99` (milliseconds), `bad` went wrong."""

    rate: float
    p99: float
    bad: int


def run(
    url: str,
    paths: Sequence[str],
    folder: Path,
    *,
    headers: Mapping[str, str] | None = None,
    connections: int = 16,
    seconds: float = 2,
) -> Load:
    """Ask for `paths` in turn. One thread of wrk, so that the turn is one for all connections."""
    said = ", ".join(f'["{name}"] = {json.dumps(value)}' for name, value in (headers or {}).items())
    script = folder / "wrk.lua"
    script.write_text(SCRIPT % {"paths": ", ".join(json.dumps(path) for path in paths), "headers": said})
    output = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "10s", "-s", str(script), url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = json.loads(output.strip().rpartition("\n")[2])
    return Load(found["requests"] / (found["us"] / 1e6), found["p99"] / 1000, found["bad"])
