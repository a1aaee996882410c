// What stands around the step that is being worked on: its workflow, what is wrong, what can be named.
import { createContext, useContext } from "react";
import type { Schemas } from "../api/client";
import type { Workflow } from "./document";
import type { Form } from "./form";

export interface Around {
  form: Form;
  workflow: Workflow;
  /** The step, or nothing for the trigger and the whole. */
  step: string | undefined;
  /** Where it stands, as problems name it. */
  place: string;
  problems: Schemas["Problem"][];
  /** Opens the list of what is known by then; what is chosen is handed back as a tag. */
  pick: (chosen: (tag: string) => void) => void;
}

export const AroundContext = createContext<Around | undefined>(undefined);

export function useAround(): Around {
  const around = useContext(AroundContext);
  if (!around) throw new Error("no step around");
  return around;
}

/** What is wrong at a place: with what stands there, or with `deep` also within it. */
export function useWrong(place: string, deep: boolean): Schemas["Problem"][] {
  const { problems } = useAround();
  return problems.filter((problem) => {
    const own = problem.place;
    return own === place || (deep && (own.startsWith(`${place}.`) || own.startsWith(`${place}[`)));
  });
}
