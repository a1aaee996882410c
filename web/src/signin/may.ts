// What whoever is signed in may do: by their role, as the server says it.
import type { Schemas } from "../api/client";
import { useSession } from "./session";

export type Scope = Schemas["Scope"];

/** Whether these scopes hold one; who has none that is known may nothing. */
export function holds(scopes: readonly Scope[] | undefined, wanted: Scope): boolean {
  return scopes?.includes(wanted) ?? false;
}

export function useMay(): (wanted: Scope) => boolean {
  const { data } = useSession();
  return (wanted) => holds(data?.user?.scopes, wanted);
}
