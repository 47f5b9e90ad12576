#!/usr/bin/env python3
"""Counts how many small faults in the sources the tests notice.

    Tests/Mutation/run.py [--count 350] [--seed 1] [--only PATTERN] [--depth 5] [--again]

A copy of the repository in build/mutants gets a sample of mutants of the modules below (`Sources/mutate` says which kinds): an
operator, a constant or a condition is another one, a statement is left out. All are compiled in at once, and the environment
variable MUTANT chooses one for a run of the tests. Each then lives through the tests of its own module, on other builds too if it is
in a kernel, through the bits on record, and through all other tests, until something notices it: a test that fails, a crash, or five
times the processor time. What happened is written to build/mutants/results.jsonl, and is not tried again, but with --again for those
that nothing noticed. --depth 1 is the first of these stages alone; --only takes mutants from files whose paths match. Mutants that
compute the same are in explained.txt, with reasons.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "build/mutants"
COPY = WORK / "source"
RESULTS = WORK / "results.jsonl"
EXPLAINED = ROOT / "Tests/Mutation/explained.txt"
BUILD = ROOT / ".build-mutants"
TOOL = ROOT / ".build-mutate"

# The tests that come first for the modules of each folder of sources.
FIRST = {
    "Evaluation": "EvaluationTests",
    "Flows": "FlowsTests|ScoringTests",
    "Scoring": "FlowsTests|ScoringTests",
    "KernelVariants": "KernelsTests|LayersTests",
}
# In the copy, whose targets may use what the mutants ask.
TARGETS = """
package.targets.append(.target(name: "CMutants", path: "Tests/Mutation/Chosen"))
for target in package.targets
where ["Flows", "Scoring", "Evaluation"].contains(target.name) || target.name.hasPrefix("Kernels") && !target.isTest {
  target.dependencies.append("CMutants")
}
"""
MEMORY = 12 << 30


def tracked():
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted(name for name in names if os.path.lexists(ROOT / name))


def copy_repository():
    """Files that are the same are left alone, so that they are not compiled again."""
    for name in tracked():
        source, target = ROOT / name, COPY / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            if not target.is_symlink():
                target.symlink_to(os.readlink(source))
        elif name == "Package.swift":
            write(target, source.read_bytes() + TARGETS.encode())
        elif not is_mutated(name):
            write(target, source.read_bytes())
    for target in COPY.rglob("*.swift"):
        name = target.relative_to(COPY)
        if not (ROOT / name).exists() and ".build" not in name.parts:
            target.unlink()


def is_mutated(name):
    parts = name.split("/")
    return parts[0] == "Sources" and parts[1] in FIRST and name.endswith(".swift")


def write(target, data):
    if not target.exists() or target.read_bytes() != data:
        target.write_bytes(data)


def compile_mutants(count, seed, pattern):
    """The mutants of the sample. Those that do not compile are replaced by others."""
    subprocess.run(
        ["swift", "build", "-j", "2", "--package-path", "Tests/Mutation", "--scratch-path", TOOL], cwd=ROOT, check=True
    )
    files = [name for name in tracked() if is_mutated(name)]
    chosen = [name for name in files if re.search(pattern, name)]
    for name in files:
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
    record = WORK / f"excluded-{seed}.json"
    excluded = set(json.loads(record.read_text())) if record.exists() else set()
    while True:
        listed = subprocess.run(
            [TOOL / "debug/mutate", ROOT, COPY, str(count), str(seed), ",".join(map(str, sorted(excluded))), *chosen],
            capture_output=True, text=True, check=True,
        )
        print(listed.stderr.strip(), flush=True)
        for name in set(files) - set(chosen):
            write(COPY / name, (ROOT / name).read_bytes())
        mutants = [json.loads(line) for line in listed.stdout.splitlines()]
        build = subprocess.run(
            ["swift", "build", "-j", "2", "--build-tests", "--configuration", "release", "--scratch-path", BUILD, "-Xswiftc",
             "-enable-testing", "-Xswiftc", "-no-warnings-as-errors"],
            cwd=COPY, capture_output=True, text=True,
        )
        if build.returncode == 0:
            return mutants
        (WORK / "build.log").write_text(build.stdout + build.stderr)
        # The kernels' files are known by the links to them.
        errors = set(re.findall(r"/Sources/(\S+?\.swift):(\d+):\d+: error: ", build.stdout))
        found = {mutant["number"] for file, line in errors for mutant in blamed(mutants, file, int(line))}
        if not found:
            sys.exit(build.stdout[-4000:] + build.stderr[-4000:])
        print(f"{len(found)} do not compile: {sorted(found)}", flush=True)
        excluded |= found
        record.write_text(json.dumps(sorted(excluded)))


def blamed(mutants, file, line):
    """The mutants on the line of an error, else those of the smallest statement around it."""
    parts = file.split("/")
    own = [mutant for mutant in mutants if mutant["file"].split("/")[1] == parts[0] and mutant["file"].endswith("/".join(parts[-2:]))]
    on_line = [mutant for mutant in own if mutant["lines"][0] <= line <= mutant["lines"][1]]
    if on_line:
        return on_line
    around = [mutant for mutant in own if mutant["statement"][0] <= line <= mutant["statement"][1]]
    smallest = min((mutant["statement"][1] - mutant["statement"][0] for mutant in around), default=0)
    return [mutant for mutant in around if mutant["statement"][1] - mutant["statement"][0] == smallest]


def run(mutant, stage, seconds):
    """What noticed the mutant within so many seconds of processors: the first test that failed, "crash" or "time"; None if nothing
    did. Where nothing is computed at all it is waited for three times as long and five minutes more."""

    def limit():
        for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, int(seconds))):
            resource.setrlimit(what, (most, most))
        os.nice(10)

    environment = dict(os.environ, MUTANT=str(mutant), SWIFT_BACKTRACE="enable=no")
    if stage.kernels:
        environment["CFLOWAD_KERNELS"] = stage.kernels
    log = WORK / "run.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [BUILD / "release/libcflowadPackageTests.xctest", "--testing-library", "swift-testing", *stage.options],
            cwd=COPY, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, preexec_fn=limit,
            start_new_session=True,
        )
    end = time.monotonic() + 3 * seconds + 300
    try:
        while True:
            try:
                status = process.wait(timeout=0.25)
            except subprocess.TimeoutExpired:
                status = None
            failed = re.search(r"^✘ Test (.*?) recorded an issue", log.read_text(errors="replace"), re.MULTILINE)
            if failed:
                return failed[1]
            if status is not None:
                return None if status == 0 else "time" if status in (-signal.SIGXCPU, -signal.SIGKILL) else f"crash ({status})"
            if time.monotonic() > end:
                return "time"
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


Stage = collections.namedtuple("Stage", "name options kernels")


def stages(mutant):
    folder = mutant["file"].split("/")[1]
    first = FIRST[folder]
    # The bits on record (GoldenTests) notice nearly everything, but do not say what is right: they come after the tests that do.
    own = [Stage(first, ["--filter", first, "--skip", "GoldenTests"], None)]
    if folder == "KernelVariants":
        own += [own[0]._replace(name=f"{first} on {build}", kernels=build) for build in ("baseline", "avx2")]
    if folder != "Evaluation":
        own.append(Stage("GoldenTests", ["--filter", "GoldenTests"], None))
    return own + [Stage(f"all but {first}", ["--skip", f"{first}|GoldenTests"], None)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=350)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a regular expression")
    parser.add_argument("--depth", type=int, default=5, help="of how many stages")
    parser.add_argument("--again", action="store_true", help="run those once more that nothing noticed")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the tests end too
    copy_repository()
    mutants = compile_mutants(options.count, options.seed, options.only)
    (WORK / "mutants.jsonl").write_text("".join(json.dumps(mutant) + "\n" for mutant in mutants))

    times = times_without({stage.name: stage for mutant in mutants for stage in stages(mutant)[: options.depth]})
    results = {mutant["number"]: dict(mutant, noticed=None, passed=[]) for mutant in mutants}
    for entry in map(json.loads, RESULTS.read_text().splitlines() if RESULTS.exists() else []):
        mutant = results.get(entry["number"], {})
        # Not of another state of the sources.
        if all(mutant.get(key) == entry.get(key) for key in ("file", "line", "column", "original", "mutant")):
            results[entry["number"]] = entry
            if options.again:
                entry["passed"] = []
    # One stage for all before the next, so that what most tests notice is known soon.
    for depth in range(options.depth):
        for entry in results.values():
            stage = (stages(entry) + [None] * options.depth)[depth]
            if entry["noticed"] or not stage or stage.name in entry["passed"]:
                continue
            entry["noticed"] = run(entry["number"], stage, 30 + 5 * times[stage.name])
            entry["by"] = stage.name if entry["noticed"] else None
            if not entry["noticed"]:
                entry["passed"].append(stage.name)
                print(stage.name, "pass with", text(entry), flush=True)
            with RESULTS.open("a") as file:
                file.write(json.dumps(entry) + "\n")
        print(f"after stage {depth + 1}:")
        report(list(results.values()))


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def times_without(needed):
    """How long each stage computes without a mutant, when everything must pass."""
    record = WORK / "times.json"
    bundle = BUILD / "release/libcflowadPackageTests.xctest"
    times = {}
    if record.exists() and record.stat().st_mtime > bundle.stat().st_mtime:
        times = json.loads(record.read_text())
    for stage in needed.values():
        if stage.name in times:
            continue
        start = processor_seconds()
        noticed = run(-1, stage, 3600)
        if noticed:
            sys.exit(f"without a mutant: {noticed}")
        times[stage.name] = processor_seconds() - start
        print(f"without a mutant {stage.name} pass in {times[stage.name]:.0f} s", flush=True)
        record.write_text(json.dumps(times))
    return times


def place(entry):
    """A mutant with what stands before it on its line, which tells it whatever lines are added above."""
    line = (ROOT / entry["file"]).read_text().split("\n")[entry["line"] - 1].encode()[: entry["column"] - 1].decode()
    original, mutant = (" ".join(entry[key].split()) for key in ("original", "mutant"))
    return f"{entry['file']}: {line.lstrip()}[[{original} -> {mutant or 'nothing'}]]"


def text(entry):
    return f"{entry['number']}: {entry['kind']}: line {entry['line']} of {place(entry)}"


def explained():
    """Why tests need not notice a mutant, by its place."""
    lines = EXPLAINED.read_text().splitlines()
    return dict(line.split("]] ", 1) for line in lines if line and not line.startswith("#"))


def report(entries):
    reasons = explained()
    tally = collections.defaultdict(lambda: [0, 0, 0])
    for entry in entries:
        for row in (entry["file"].split("/")[1], entry["kind"], "all"):
            tally[row][0] += 1
            tally[row][1] += entry["noticed"] is not None
            tally[row][2] += entry["noticed"] is None and place(entry)[:-2] in reasons
    print(f"\n{'':16}{'mutants':>8}{'noticed':>8}{'explained':>10}{'of the others':>14}")
    for row, (count, noticed, excused) in sorted(tally.items(), key=lambda entry: (entry[0] == "all", entry[0])):
        print(f"{row:16}{count:8}{noticed:8}{excused:10}{noticed / max(count - excused, 1):14.1%}")
    print("\nnoticed by:", dict(collections.Counter(entry["by"] for entry in entries if entry.get("by"))))
    print("\nneither noticed nor explained:")
    for entry in entries:
        if entry["noticed"] is None and place(entry)[:-2] not in reasons:
            print(text(entry))


if __name__ == "__main__":
    main()
