"""The results as the Markdown tables that the README shows."""


def _us(seconds):
    return f"{seconds * 1e6:,.0f} us" if seconds < 0.01 else f"{seconds * 1e3:,.1f} ms"


def _ms(seconds):
    """of nginx's clock, which has milliseconds"""
    return f"{seconds * 1e3:.0f} ms" if seconds >= 0.001 else "under 1 ms"


def _table(title, head, rows):
    lines = [f"**{title}**", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def short(results):
    """The table of the project's README: what an offer costs, all gateways"""
    rows = []
    for name, offer in results["offers"].items():
        counted = results["instructions"].get(name)
        waits = results["latency"].get(name)
        held = results["memory"].get(name)
        rows.append((name, f"{offer['ratio']['median']:.2f}",
                     f"{counted['ratio']:.2f}" if counted else "",
                     f"{waits['p99'] * 1e3:.1f} ms" if waits else "",
                     f"{held[max(held, key=int)] / 1024:.0f} KB" if held else ""))
    return _table("What an offer costs", ("gateway", "CPU", "instructions", "p99 at 1,000 offers/s",
                                          "memory in flight"), rows)


def write(path, table):
    """Replaces what is between the two marks of a Markdown file"""
    begin, end = "<!-- bench -->\n", "<!-- /bench -->"
    before, _, rest = path.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise RuntimeError(f"{path} lacks {begin.strip()} or {end}")
    path.write_text(before + begin + "\n" + table + "\n" + end + after)


def text(results):
    out = [f"{results['date']}, nginx {results['nginx']}, {results['cpus']} cores, one worker\n"]
    if "instructions" in results:
        rows = [(name, f"{row['instructions']:,.0f}", f"{row['ratio']:.3f}", f"{row['syscalls']:.1f}")
                for name, row in results["instructions"].items()]
        out.append(_table("An offer, counted", ("gateway", "instructions (user space)", "ratio", "system calls"), rows))
    if "offers" in results:
        rows = [(name, _us(row["cpu"]["median"]),
                 f"{row['ratio']['median']:.2f} ({row['ratio']['p10']:.2f}-{row['ratio']['p90']:.2f})",
                 str(len(row["rounds"]))) for name, row in results["offers"].items()]
        out.append(_table("CPU an offer", ("gateway", "user + sys", "ratio (p10-p90)", "rounds"), rows))
    if "latency" in results:
        rows = [(name, *(_us(row[p]) for p in ("p50", "p90", "p99", "max"))) for name, row in
                results["latency"].items()]
        out.append(_table("Latency at 1,000 offers/s, from the moment each was due",
                          ("gateway", "p50", "p90", "p99", "max"), rows))
    if "memory" in results:
        counts = list(next(iter(results["memory"].values())))
        rows = [(name, *(f"{row[c] / 1024:.1f} KB" for c in counts)) for name, row in results["memory"].items()]
        out.append(_table("Memory for an offer in flight", ("gateway", *(f"{int(c):,} in flight" for c in counts)),
                          rows))
    if "growth" in results:
        rows = [(label, *(_us(row["cpu"]) for row in by_name.values()))
                for label, by_name in results["growth"].items()]
        names = next(iter(results["growth"].values()))
        out.append(_table("CPU an offer as load grows", ("load", *names), rows))
    if "transcripts" in results:
        rows = [(label, _us(row["cpu"]), f"{row['rate']:,.0f}") for label, row in results["transcripts"].items()]
        out.append(_table("CPU a transcript", ("store", "user + sys", "transcripts/s"), rows))
    if "store" in results:
        rows = [(label, f"{row['rate']:,.0f}", f"{row['ratio']:.2f}") for label, row in results["store"].items()]
        out.append(_table("Transcripts beside a raw bulk insert", ("store", "transcripts/s", "of the driver alone"),
                          rows))
    if "history" in results:
        found = results["history"]
        rows = [(label, _ms(row["median"]), _ms(row["max"]))
                for label, row in found["pages"].items()]
        out.append(_table(f"A history among {found['total']:,} transcripts, SQLite, {found['bytes'] / 1e6:,.0f} MB",
                          ("page", "server time, median", "longest of 50"), rows))
    return "\n".join(out)
