// A link of one use sets a password: of the owner at the first start, of whoever was invited.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, result } from "../api/client";
import { useT } from "../i18n";
import { Button, inputs, Labelled, Trouble } from "../ui/basic";
import { Outside, useTitle } from "./door";
import { keepName } from "./session";

const SHORTEST = 12;

export function WelcomePage() {
  const t = useT();
  useTitle(t("welcome.title"));
  const client = useQueryClient();
  const navigate = useNavigate();
  // behind `#`, so that it is sent to nobody and stands in no log
  const [token] = useState(() => window.location.hash.slice(1));
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [tried, setTried] = useState(false);
  const problem =
    password.length < SHORTEST ? t("welcome.short", { n: SHORTEST }) : password !== again ? t("welcome.differ") : undefined;
  const set = useMutation({
    mutationFn: () => result(api.POST("/password", { body: { token, password } })),
    onSuccess: async ({ user }) => {
      keepName(user?.name ?? "");
      await client.resetQueries();
      await navigate({ to: "/", replace: true });
    },
  });
  return (
    <Outside>
      <form
        className="space-y-4"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (!problem) set.mutate();
        }}
      >
        <h1 className="text-lg font-semibold">{t("welcome.title")}</h1>
        <p className="text-soft">{t("welcome.lead")}</p>
        {set.error && <Trouble error={set.error} />}
        <Labelled label={t("welcome.password")} help={t("welcome.help", { n: SHORTEST })}>
          {(id, described) => (
            <input
              id={id}
              type="password"
              autoComplete="new-password"
              aria-describedby={described}
              className={inputs}
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          )}
        </Labelled>
        <Labelled label={t("welcome.again")}>
          {(id) => (
            <input
              id={id}
              type="password"
              autoComplete="new-password"
              className={inputs}
              value={again}
              onChange={(event) => setAgain(event.target.value)}
            />
          )}
        </Labelled>
        <div role="alert">{tried && problem && <p className="text-bad">{problem}</p>}</div>
        <Button type="submit" look="main" className="w-full" busy={set.isPending}>
          {t("welcome.go")}
        </Button>
      </form>
    </Outside>
  );
}
