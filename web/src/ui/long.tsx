// A list of thousands: only what is seen is drawn.
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useRef } from "react";

export function Long({ count, label, keyOf, children }: { count: number; label: string; keyOf: (index: number) => string; children: (index: number) => ReactNode }) {
  const area = useRef<HTMLDivElement>(null);
  // what the compiler cannot keep in mind is asked anew each time
  // oxlint-disable-next-line react/incompatible-library
  const rows = useVirtualizer({ count, getScrollElement: () => area.current, estimateSize: () => 76, overscan: 6, getItemKey: keyOf, gap: 8 });
  return (
    // what scrolls has to be reachable by keyboard
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={area} tabIndex={0} className="max-h-[70dvh] overflow-y-auto">
      <ul aria-label={label} className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => (
          <li key={row.key} ref={rows.measureElement} data-index={row.index} aria-setsize={count} aria-posinset={row.index + 1} className="absolute inset-x-0 top-0" style={{ transform: `translateY(${row.start}px)` }}>
            {children(row.index)}
          </li>
        ))}
      </ul>
    </div>
  );
}
