// What is different between two texts, line by line.

/** A line that stays, comes or goes; `skip` stands for lines that are the same and of no interest. */
export interface Line {
  kind: "same" | "added" | "removed" | "skip";
  text: string;
}

/** The lines of both, those that changed with a few around them. Nothing is different: no lines. */
export function difference(before: string, after: string, around = 3): Line[] {
  const lines = aligned(before.trimEnd().split("\n"), after.trimEnd().split("\n"));
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - around), at + around + 1).some(({ kind }) => kind !== "same"));
  const shown: Line[] = [];
  for (const [at, line] of lines.entries()) {
    if (near[at]) shown.push(line);
    else if (shown.at(-1)?.kind !== "skip") shown.push({ kind: "skip", text: "…" });
  }
  return shown.length === 1 && shown[0]?.kind === "skip" ? [] : shown;
}

const same = (lines: string[]): Line[] => lines.map((text) => ({ kind: "same", text }));

/** Both texts side by side with as many lines in common as there can be. */
function aligned(before: string[], after: string[]): Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const old = before.slice(head, before.length - tail);
  const fresh = after.slice(head, after.length - tail);
  return [...same(before.slice(0, head)), ...between(old, fresh), ...same(before.slice(before.length - tail))];
}

/** Beyond this many comparisons all is shown as taken away and put there. */
const MOST = 4_000_000;

function between(old: string[], fresh: string[]): Line[] {
  const gone: Line[] = old.map((text) => ({ kind: "removed", text }));
  const come: Line[] = fresh.map((text) => ({ kind: "added", text }));
  if (old.length * fresh.length > MOST) return [...gone, ...come];
  // how many lines the rests from here on have in common
  const width = fresh.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  const at = (row: number, column: number): number => common[row * width + column] ?? 0;
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = fresh.length - 1; column >= 0; column -= 1) {
      common[row * width + column] = old[row] === fresh[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < fresh.length) {
    if (row < old.length && column < fresh.length && old[row] === fresh[column]) {
      lines.push({ kind: "same", text: old[row] ?? "" });
      row += 1;
      column += 1;
    } else if (column >= fresh.length || (row < old.length && at(row + 1, column) >= at(row, column + 1))) {
      lines.push(gone[row] as Line);
      row += 1;
    } else {
      lines.push(come[column] as Line);
      column += 1;
    }
  }
  return lines;
}
