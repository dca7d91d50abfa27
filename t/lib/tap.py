"""Test results as prove reads them."""

import sys
import traceback

count = 0
failures = 0


def ok(condition, what, *details):
    """One test; details are printed where it fails."""
    global count, failures
    count += 1
    print(f"{'ok' if condition else 'not ok'} {count} - {what}", flush=True)
    if not condition:
        failures += 1
        for detail in details:
            note(detail)
    return bool(condition)


def equal(got, expected, what):
    return ok(got == expected, what, f"     got: {got!r}", f"expected: {expected!r}")


def note(text):
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def skip_all(why):
    """Ends the file without a test."""
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def run(*tests):
    """Runs each test; what one raises is its failure, the others go on."""
    for test in tests:
        note(test.__doc__.splitlines()[0] if test.__doc__ else test.__name__)
        try:
            test()
        except Exception:                       # pylint: disable=broad-except
            ok(False, f"{test.__name__} ended by an exception", traceback.format_exc())
    print(f"1..{count}")
    sys.exit(failures > 0)
