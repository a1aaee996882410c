//! The command line: commands, their arguments and their help.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::commands::practise;

/// Keeps contacts in HighLevel and onOffice, and members of OfficeRnD, in two-way sync.
///
/// Data goes to stdout, everything else to stderr. Commands that look at or change a database go
/// through the server that has it open, or open it themselves where none does.
#[derive(Debug, Parser)]
#[command(
    name = "tandem",
    version,
    propagate_version = true,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  tandem demo                                   Show everything on simulated systems
  tandem init highlevel-onoffice                Write a config to start from
  tandem serve --config tandem.yaml             Run the server
  tandem connect agency                         Sign in to an account
  tandem plan people                            See what a sync would do, before it does anything
  tandem status --json                          How things stand, for a script

Exit status: 0 done, 1 failed, 2 wrong usage, 3 the config has problems, 4 a connection cannot be
used, 5 the database cannot be used, 130 interrupted. Every error has a code; `tandem error CODE` says what it means
and what to do."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The database: a file, or postgres://USER:PASSWORD@HOST/NAME [default: what the config says, else
    /// tandem.db]
    #[arg(
        long,
        global = true,
        env = "TANDEM_DATABASE",
        hide_env_values = true,
        value_name = "PATH"
    )]
    pub(crate) database: Option<PathBuf>,

    /// When to colour: in terminals only, or always, or never
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub(crate) colour: Colour,

    /// What to log on stderr: error, warn, info, debug, trace, or a filter such as `sync=debug,info`
    /// [default: info for serve and sandbox, error for all else]
    #[arg(
        long,
        global = true,
        env = "TANDEM_LOG",
        hide_env_values = true,
        value_name = "FILTER"
    )]
    pub(crate) log: Option<String>,

    /// Log as JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) log_json: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

/// Whether a list is printed as a table or as JSON.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Format {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole product on simulated systems, with a report at the end
    #[command(after_help = "\
Examples:
  tandem demo
  tandem demo --once --json > report.json
  tandem demo --people people --data demo-data")]
    Demo(crate::demo::DemoArgs),

    /// Run the server
    #[command(after_help = "\
Examples:
  tandem serve --config tandem.yaml
  tandem serve --database /var/lib/tandem/tandem.db     (with the config that was applied last)
  tandem serve --standby                                (a second node on one PostgreSQL database)")]
    Serve(Serve),

    /// Run simulated systems to practise on
    #[command(after_help = "\
Examples:
  tandem sandbox
  tandem sandbox --people people --listen 127.0.0.1:4020")]
    Sandbox(Sandbox),

    /// Write a complete, commented config for a pair of systems
    #[command(after_help = "\
Examples:
  tandem init highlevel-onoffice
  tandem init highlevel-onoffice --out -         (to stdout)
  tandem init highlevel-onoffice --sandbox       (to practise on `tandem sandbox`, which has to run)")]
    Init(Init),

    /// Check a config and put it into force; nothing changes if anything in it is wrong
    #[command(after_help = "\
Examples:
  tandem apply tandem.yaml
  tandem apply tandem.yaml --dry-run             (only check)")]
    Apply(Apply),

    /// Sign a connection in, or give it new credentials; links, cursors and history stay
    #[command(after_help = "\
Examples:
  tandem connect agency                          (prints the address to sign in at)
  tandem connect office                          (asks for token and secret)
  ONOFFICE_TOKEN=… tandem connect office         (where the config says `token: env:ONOFFICE_TOKEN`)")]
    Connect(Connect),

    /// Make the cheapest real read on a connection, or on all: which account it is, what is missing
    #[command(after_help = "\
Examples:
  tandem check
  tandem check agency --all                      (what more rights would allow)
  tandem check office --json")]
    Check(Check),

    /// The fields that an account has, custom ones included, each with what may be done with it
    #[command(after_help = "\
Examples:
  tandem fields office                          (what a mapping may name)
  tandem fields agency --entity company --json
  tandem fields marketing --users-of office     (who is who, by e-mail address: `values` of an owner mapping)")]
    Fields(Fields),

    /// Make a custom text field in an account, to keep the other side's id in, or find the one that is called so; prints its name
    #[command(after_help = "\
Example:
  tandem add-field marketing \"onOffice id\"         (then `keep_id: {left: customFields.…}` in the config)")]
    AddField(AddField),

    /// Ask a live account what no document settles, and say which switches of the sandbox match it
    ///
    /// Opt-in and self-cleaning: makes a few records that carry a mark, asks before each write, and removes them at
    /// the end, also after Ctrl-C. What it cannot remove it lists. Every call stands in the log.
    #[command(after_help = "\
Examples:
  tandem probe agency --list                     (what can be asked; calls nothing)
  tandem pause people && tandem probe agency --report probe.md
  tandem probe office --only list_limit,sort_map --yes --json")]
    Probe(Probe),

    /// What the systems can do: list operations, or show one with its fields and an example
    #[command(after_help = "\
Examples:
  tandem catalog highlevel
  tandem catalog --search appointment
  tandem catalog highlevel contacts.tasks.create
  tandem catalog import openapi.json --name crm     (any API with an OpenAPI 3 document; then `system: crm` in the config)")]
    Catalog(Catalog),

    /// Do one operation of the catalog on a connection, or show the request that it would send
    #[command(after_help = "\
Examples:
  tandem call agency contacts.get --input contactId=5DP4iH6HLkQsiKESj6rh
  tandem call agency contacts.tasks.create --dry-run \\
      --input '{\"contactId\": \"5DP4iH6HLkQsiKESj6rh\", \"title\": \"Call back\"}' \\
      --input completed=false --input dueDate=2026-12-01T09:00:00Z")]
    Call(Call),

    /// Take away what Tandem made at an account (webhooks, fields) and switch its connection off
    ///
    /// Shows first what depends on it, and asks. Links and history stay.
    #[command(after_help = "\
Examples:
  tandem disconnect office
  tandem disconnect office --yes     (without being asked)")]
    Disconnect(Disconnect),

    /// List the accounts that the sign-in of a connection reaches, and which connection has each
    #[command(after_help = "\
Examples:
  tandem accounts agency
  tandem accounts agency --rows     (what has no connection yet, as rows for a template of the config)")]
    Accounts(Accounts),

    /// Show what a trigger of the catalog hands on, as it happens
    #[command(after_help = "\
Examples:
  tandem listen agency contact.created             (told by webhook: needs a server that runs)
  tandem listen office address.changed --every 30  (found by asking)
  tandem listen agency task.changed --count 1")]
    Listen(Listen),

    /// Show what a sync would do now, without writing anything
    #[command(after_help = "\
Examples:
  tandem plan people
  tandem plan people --html plan.html
  tandem plan people --config new.yaml           (what other rules would write, before they are in force)
  tandem plan people --json | jq .right.creates")]
    Plan(Plan),

    /// Carry out a plan: the rows that it shows and nothing else
    #[command(after_help = "\
A row whose records have changed since is left out and listed. If too many have, nothing is written.
It may be repeated after any interruption.

Examples:
  tandem apply-plan 0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11
  tandem apply-plan 0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11 --most-changed 0.3")]
    ApplyPlan(ApplyPlan),

    /// The plans that are kept, newest first
    #[command(after_help = "\
Example:
  tandem plans --sync people")]
    Plans(Plans),

    /// The rows of a plan, each with what it writes and where it stands
    #[command(after_help = "\
Examples:
  tandem plan-rows 0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11 --state left-out
  tandem plan-rows 0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11 --limit 0 --json > rows.json")]
    PlanRows(PlanRows),

    /// Run a sync once from end to end and report; from then on it stays on
    #[command(after_help = "\
A pilot works with a few records and writes nothing else, until it is widened or ended.

Examples:
  tandem sync people
  tandem sync people --pilot 20                  (20 records of the left side at random)
  tandem sync people --only 5DP4iH6HLkQsiKESj6rh,VRT3a5CmPJPrCApT58jn
  tandem sync people --pilot 200                 (widens it: the 20 are among them)
  tandem sync people --all                       (ends the pilot)")]
    Sync(Sync),

    /// Stop a sync until it is resumed; signals are kept
    #[command(after_help = "\
Example:
  tandem pause people")]
    Pause(OneSync),

    /// Let a paused sync go on
    #[command(after_help = "\
Example:
  tandem resume people")]
    Resume(OneSync),

    /// How everything stands
    #[command(after_help = "\
Examples:
  tandem status
  tandem status --json | jq .syncs")]
    Status(Format),

    /// The pairs of records that a sync has linked; linking and splitting by hand
    #[command(
        args_conflicts_with_subcommands = true,
        subcommand_negates_reqs = true,
        after_help = "\
Examples:
  tandem links people
  tandem links export people > links.csv
  tandem links import links.csv --dry-run        (pairs that are known from elsewhere)
  tandem links split people contact 5DP4iH6HLkQsiKESj6rh 4711
  tandem links decisions people                  (what was decided by hand, and can be forgotten)"
    )]
    Links(Links),

    /// The questions that wait for a person
    #[command(after_help = "\
Examples:
  tandem reviews
  tandem reviews --kind conflict
  tandem reviews --sync people --all --json")]
    Reviews(Reviews),

    /// Answer a review, or all that a filter meets
    #[command(after_help = "\
Examples:
  tandem reviews                                 (shows the ids and the choices)
  tandem resolve 0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11 left
  tandem resolve 0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11 left --always   (the left is right about this field from now on)
  tandem resolve 0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11 edit --value Brandt
  tandem resolve --kind conflict --field email left --dry-run         (how many that would be)
  tandem resolve --sync people --kind ambiguous apart")]
    Resolve(Resolve),

    /// The configs that were in force; showing one, or going back to it
    #[command(after_help = "\
Examples:
  tandem config
  tandem config 12 > tandem.yaml
  tandem config 12 --back")]
    Config(Config),

    /// Why a record, or one field of it, is as it is
    #[command(after_help = "\
Examples:
  tandem explain agency contact 5DP4iH6HLkQsiKESj6rh
  tandem explain office contact 4711 Telefon1")]
    Explain(Explain),

    /// Put back what Tandem did: a field, a record, a run or a span of time; shows first what that means
    #[command(after_help = "\
Examples:
  tandem undo --run 0197a3c2-6f1e-7cc0-9d61-0c3f1f0c8d11
  tandem undo --connection office --record 4711 --field Ort
  tandem undo --sync people --since 2h --yes")]
    Undo(Undo),

    /// Calls that were made to the systems, newest first
    #[command(after_help = "\
Examples:
  tandem calls --connection agency --status 429
  tandem calls --operation update --since 2h --json")]
    Calls(Calls),

    /// What Tandem did to records, newest first
    #[command(after_help = "\
Examples:
  tandem journal --record 5DP4iH6HLkQsiKESj6rh
  tandem journal --sync people --field email --limit 0 --json")]
    Journal(Journal),

    /// Records that could not be worked off, each with its error
    #[command(after_help = "\
Examples:
  tandem failing
  tandem failing --connection office --json")]
    Failing(Failing),

    /// Have what failed or was refused tried again, after you put right why
    ///
    /// At once, and in the order in which it began: records that fail (`tandem failing`) and fields that a system refused
    /// (`tandem blocked`). Nothing named is everything.
    #[command(after_help = "\
Examples:
  tandem retry
  tandem retry --connection office
  tandem retry --record 5DP4iH6HLkQsiKESj6rh --json")]
    Retry(Retry),

    /// What is wrong and was told, and whether people can be told
    #[command(after_help = "\
Examples:
  tandem alerts
  tandem alerts --test                          (sends a test on each channel)")]
    Alerts(Alerts),

    /// Fields that do not cross, each once with the reason and how many records it is about
    #[command(after_help = "\
Examples:
  tandem blocked
  tandem blocked --records                      (each record)
  tandem blocked --sync people --json")]
    Blocked(Blocked),

    /// Records that a sync looked at and left out, each with the reason
    #[command(after_help = "\
Examples:
  tandem skipped people
  tandem skipped people --reason out_of_scope --json")]
    Skipped(Skipped),

    /// The runs of syncs, newest first
    #[command(after_help = "\
Examples:
  tandem runs
  tandem runs --sync people --json")]
    Runs(Runs),

    /// Workflows: what is done when something happens, and the runs of it
    #[command(subcommand)]
    Workflow(crate::commands::workflow::Workflow),

    /// Who may use Tandem with a browser, and with which role
    #[command(after_help = "\
Examples:
  tandem users
  tandem users add ada --role editor            (prints a link that sets the password once)
  tandem users role ada viewer
  tandem users remove ada")]
    Users(crate::commands::users::Users),

    /// Tokens of programs: what each may do, until when, and when it was used last
    #[command(after_help = "\
Examples:
  tandem tokens
  tandem tokens add nightly --scope read --scope work --days 90
  tandem tokens remove nightly")]
    Tokens(crate::commands::users::Tokens),

    /// Who did what: users, tokens and the command line, the newest first
    #[command(after_help = "\
Examples:
  tandem acts
  tandem acts --who ada --since 7d
  tandem acts --what config.apply --outcome refused --json")]
    Acts(crate::commands::users::Acts),

    /// How much is kept of what grows with time: how many, the oldest, and the rule
    ///
    /// The rules are `retention` in the config. What is kept no longer goes in the background.
    #[command(after_help = "\
Examples:
  tandem retention
  tandem retention --json")]
    Retention(Format),

    /// Copy the database to a new file, while work goes on
    ///
    /// The file is written by the server that has the database. Credentials in it stay sealed: keep a copy of
    /// the key too.
    #[command(after_help = "\
Examples:
  tandem backup /var/backups/tandem-monday.db
  tandem backup before-update.db --json")]
    Backup(Backup),

    /// Make a backup the database; nothing is made or removed before everything was matched again
    #[command(after_help = "\
Examples:
  tandem restore /var/backups/tandem-monday.db --database tandem.db
  tandem restore --already --database postgres://tandem@db.example.org/tandem   (after pg_restore)")]
    Restore(Restore),

    /// Move everything from a database file to an empty database of a PostgreSQL server
    ///
    /// All of it or nothing; each row is read back and compared. No server may run on the file.
    #[command(after_help = "\
Example:
  tandem migrate-store --from tandem.db --to postgres://tandem@db.example.org/tandem")]
    MigrateStore(MigrateStore),

    /// The key that seals credentials
    #[command(subcommand)]
    Vault(Vault),

    /// Make a token for the API and print what to put into the config
    ///
    /// For installations whose config is kept elsewhere. `tandem tokens add` makes one at once, with scopes and an end.
    #[command(after_help = "\
Examples:
  tandem token grafana
  tandem token deploy --admin")]
    Token(Token),

    /// Print the JSON Schema of the config
    #[command(after_help = "\
Example:
  tandem schema > tandem.schema.json            (for an editor that checks YAML)")]
    Schema,

    /// What an error code means and what to do
    #[command(after_help = "\
Examples:
  tandem error TDM-K002
  tandem error                                  (lists all codes)
  tandem error --json")]
    Error(ErrorCode),

    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  tandem completions bash > /etc/bash_completion.d/tandem
  tandem completions zsh > ~/.zfunc/_tandem")]
    Completions {
        /// The shell
        shell: Shell,
    },

    /// Write the docs that are made from code
    #[command(hide = true)]
    Reference {
        /// The folder to write to
        #[arg(long)]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Check this config and put it into force before serving [default: the one applied last]
    #[arg(
        long,
        env = "TANDEM_CONFIG",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub(crate) config: Option<PathBuf>,
    /// Answer webhooks with 429 while so many records wait; the vendor sends them again later
    #[arg(long, value_name = "RECORDS", default_value_t = 1_000_000)]
    pub(crate) max_backlog: u64,
    /// While another server has the database, wait and take over when it is through
    #[arg(long)]
    pub(crate) standby: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    /// Fill the systems from this folder: highlevel.jsonl, onoffice.jsonl, officernd.jsonl, one record a line
    /// [default: a shipped population]
    #[arg(long, value_name = "DIR")]
    pub(crate) people: Option<PathBuf>,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:4010", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Which pair
    #[arg(value_enum)]
    pub(crate) pair: Pair,
    /// Only these kinds of records beside contacts, with commas: company, opportunity, appointment, task, note [default: all that the
    /// pair has]
    #[arg(
        long,
        value_name = "KINDS",
        value_delimiter = ',',
        hide_default_value = true
    )]
    pub(crate) only: Vec<record::Entity>,
    /// The file to write; `-` for stdout. An existing file is never overwritten
    #[arg(long, default_value = "tandem.yaml", value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Point it at the simulated systems that `tandem sandbox` runs, at this address if another than
    /// http://127.0.0.1:4010
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = practise::USUAL)]
    pub(crate) sandbox: Option<String>,
}

/// A pair of systems with a ready config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pair {
    /// Contacts of HighLevel and addresses of onOffice enterprise
    HighlevelOnoffice,
    /// Contacts of HighLevel and members of OfficeRnD Flex, with the companies of both
    HighlevelOfficernd,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The config
    pub(crate) file: PathBuf,
    /// Only check
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The connection, by its name in the config
    pub(crate) name: String,
    /// Give a field of the sign-in here instead of being asked: `--field token=env:NAME` or
    /// `file:PATH`. A secret itself does not belong on a command line
    #[arg(long = "field", value_name = "NAME=REFERENCE")]
    pub(crate) fields: Vec<String>,
    /// Give up waiting for the sign-in in the browser after this many seconds
    #[arg(long, default_value_t = 900, value_name = "SECONDS")]
    pub(crate) wait: u64,
    /// Accept the other account that the last sign-in led to
    #[arg(long)]
    pub(crate) confirm: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The connection [default: all]
    pub(crate) name: Option<String>,
    /// Also list what of the catalog each right would allow that no sync needs
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Fields {
    /// The connection, by its name in the config
    pub(crate) name: String,
    /// Only of this kind of record
    #[arg(long, value_name = "KIND")]
    pub(crate) entity: Option<String>,
    /// Only this one, with everything that it takes: each id and what people see
    #[arg(long, value_name = "FIELD", conflicts_with = "users_of")]
    pub(crate) field: Option<String>,
    /// Instead, propose which user of this account is which of that one, by their e-mail addresses
    #[arg(long, value_name = "CONNECTION", conflicts_with = "entity")]
    pub(crate) users_of: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct AddField {
    /// The connection, by its name in the config
    pub(crate) name: String,
    /// What people see it called
    pub(crate) label: String,
    /// The kind of record
    #[arg(long, default_value = "contact", value_name = "KIND")]
    pub(crate) entity: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// The connection, by its name in the config
    pub(crate) name: String,
    /// Only these probes [default: all but costly ones]
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Also probes that cost more than a few calls, such as meeting the limit on purpose
    #[arg(long)]
    pub(crate) costly: bool,
    /// Allow every write beforehand
    #[arg(long)]
    pub(crate) yes: bool,
    /// Only show what can be asked
    #[arg(long)]
    pub(crate) list: bool,
    /// Write the report to this file as Markdown, or as JSON if its name ends in .json
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Catalog {
    #[command(subcommand)]
    pub(crate) import: Option<CatalogCommand>,
    /// Only of this system: highlevel, onoffice, officernd, or one that was imported [default: all]
    pub(crate) system: Option<String>,
    /// Show this operation in full
    #[arg(requires = "system")]
    pub(crate) operation: Option<String>,
    /// Only operations that have to do with this word
    #[arg(long, value_name = "WORD", conflicts_with = "operation")]
    pub(crate) search: Option<String>,
    /// Only how many there are of each system: the same call in two versions counts once, a discouraged one not at all
    #[arg(long, conflicts_with_all = ["operation", "search"])]
    pub(crate) counts: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CatalogCommand {
    /// Make any API with an OpenAPI 3 document (JSON, YAML) a system, whose calls are operations
    #[command(after_help = "\
Examples:
  tandem catalog import warehouse.json --name warehouse
  tandem catalog import openapi.yaml --name crm")]
    Import(Import),
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The document, as JSON or YAML
    pub(crate) file: PathBuf,
    /// What the system is called in the config: small letters, digits and _
    #[arg(long)]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The connection, by its name in the config
    pub(crate) connection: String,
    /// The operation, by its name in the catalog
    pub(crate) operation: String,
    /// A JSON object, or one NAME=VALUE; may be given several times. A name may reach into an object (`a.b=1`), a
    /// list may be words with commas between them
    #[arg(long, value_name = "JSON|NAME=VALUE")]
    pub(crate) input: Vec<String>,
    /// Only show the request, with secrets masked
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Disconnect {
    /// The connection, by its name in the config
    pub(crate) name: String,
    /// Do it without asking
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Accounts {
    /// The connection, by its name in the config
    pub(crate) name: String,
    /// Only those without a connection, as rows for `for` of a template
    #[arg(long)]
    pub(crate) rows: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// The connection, by its name in the config
    pub(crate) connection: String,
    /// The trigger, by its name in the catalog
    pub(crate) trigger: String,
    /// End after so many
    #[arg(long)]
    pub(crate) count: Option<u64>,
    /// Where the system has to be asked: how often, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) every: u64,
}

#[derive(Debug, Args)]
pub(crate) struct OneSync {
    /// The sync, by its name in the config
    pub(crate) sync: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// The sync, by its name in the config
    pub(crate) sync: String,
    /// A pilot: only so many records of the left side, at random
    #[arg(long, value_name = "N", conflicts_with_all = ["only", "all"])]
    pub(crate) pilot: Option<usize>,
    /// A pilot: only these records of the left side
    #[arg(
        long,
        value_name = "ID,…",
        value_delimiter = ',',
        conflicts_with = "all"
    )]
    pub(crate) only: Vec<String>,
    /// All records: a pilot ends
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The sync, by its name in the config
    pub(crate) sync: String,
    /// Plan the rules of this config, which is not put into force
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Write the plan as a page that needs nothing beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyPlan {
    /// The plan, by its id
    pub(crate) plan: String,
    /// Stop before the first write if more than this share of the rows has changed since
    #[arg(long, value_name = "SHARE", default_value_t = sync::MOST_CHANGED)]
    pub(crate) most_changed: f64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Plans {
    /// Only of this sync
    #[arg(long, value_name = "NAME")]
    pub(crate) sync: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct PlanRows {
    /// The plan, by its id
    pub(crate) plan: String,
    /// Only those that stand there
    #[arg(long, value_enum)]
    pub(crate) state: Option<RowState>,
    /// At most so many; 0 for all
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Where a row of a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowState {
    /// To be carried out
    Waiting,
    /// Carried out
    Done,
    /// Left out, with the reason
    LeftOut,
    /// A question for a person
    Question,
}

impl RowState {
    /// The word of the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::LeftOut => "left_out",
            Self::Question => "question",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Links {
    #[command(subcommand)]
    pub(crate) command: Option<LinksCommand>,
    /// The sync, by its name in the config
    #[arg(required = true)]
    pub(crate) sync: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LinksCommand {
    /// Link the pairs of a CSV file with the header `sync,entity,left,right`
    ///
    /// All rows are checked first; if one cannot be linked, none is. Linked records are then aligned by the rules
    /// for a first link.
    #[command(after_help = "\
Examples:
  tandem links import links.csv --dry-run
  tandem links import links.csv")]
    Import(LinksImport),
    /// Write the links as such a file, to stdout
    #[command(after_help = "\
Examples:
  tandem links export > links.csv
  tandem links export people")]
    Export {
        /// Only of this sync [default: all]
        sync: Option<String>,
    },
    /// End a link because the two are not one; they are kept apart from then on
    ///
    /// Each is then matched anew, and gets another counterpart made if the sync may.
    #[command(after_help = "\
Examples:
  tandem links split people contact 5DP4iH6HLkQsiKESj6rh 4711
  tandem links split people contact 5DP4iH6HLkQsiKESj6rh 4711 --leave")]
    Split(Split),
    /// What was decided by hand about pairs: that they are one, or that they are two
    #[command(after_help = "\
Example:
  tandem links decisions people")]
    Decisions {
        /// The sync, by its name in the config
        sync: String,
        #[command(flatten)]
        format: Format,
    },
    /// Forget what was decided about a pair; the two are judged as if nobody had said anything
    ///
    /// A link between them stays; `tandem links split` ends it.
    #[command(after_help = "\
Example:
  tandem links forget people contact 5DP4iH6HLkQsiKESj6rh 4711")]
    Forget(PairOf),
}

#[derive(Debug, Args)]
pub(crate) struct LinksImport {
    /// The file; `-` for stdin
    pub(crate) file: PathBuf,
    /// Only check
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Split {
    #[command(flatten)]
    pub(crate) pair: PairOf,
    /// Neither gets another counterpart made
    #[arg(long)]
    pub(crate) leave: bool,
}

/// Two records of a sync.
#[derive(Debug, Args)]
pub(crate) struct PairOf {
    /// The sync, by its name in the config
    pub(crate) sync: String,
    /// The kind of record: contact, company, …
    pub(crate) entity: String,
    /// The id of the record on the left
    pub(crate) left: String,
    /// The id of the record on the right
    pub(crate) right: String,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    /// Show this one [default: list them]
    pub(crate) revision: Option<u64>,
    /// Put it into force again
    #[arg(long, requires = "revision")]
    pub(crate) back: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Reviews {
    /// Only of this sync
    #[arg(long, value_name = "NAME")]
    pub(crate) sync: Option<String>,
    /// Only of this kind: conflict, ambiguous, rebind, deleted, unproven_create, mass_change, refused, circle, lossy
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// Also those that are postponed, decided or withdrawn, or wait for the answer about another record
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Resolve {
    /// The review's id, or as much of its beginning as is unique, and one of its choices; with a filter, the choice alone
    #[arg(required = true, num_args = 1..=2, value_name = "ID> <CHOICE")]
    pub(crate) answer: Vec<String>,
    /// With the choice `edit`: what is to be there
    #[arg(long, value_name = "VALUE", conflicts_with_all = ["always", "sync", "kind", "entity", "field", "dry_run"])]
    pub(crate) value: Option<String>,
    /// The answer becomes the policy of the field, in a new revision of the config (see `tandem config`)
    #[arg(long, conflicts_with_all = ["sync", "kind", "entity", "field", "dry_run"])]
    pub(crate) always: bool,
    /// Answer all of this sync
    #[arg(long, value_name = "NAME")]
    pub(crate) sync: Option<String>,
    /// Answer all of this kind
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// Answer all about this kind of record
    #[arg(long, value_name = "ENTITY")]
    pub(crate) entity: Option<String>,
    /// Answer all about this field, by the name of its mapping
    #[arg(long, value_name = "NAME")]
    pub(crate) field: Option<String>,
    /// Only count how many a filter meets
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The connection, by its name in the config
    pub(crate) connection: String,
    /// The kind of record: contact, company, …
    pub(crate) entity: String,
    /// The record's id in that system
    pub(crate) id: String,
    /// Only this field
    pub(crate) field: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Undo {
    /// What this run did (`tandem runs --json`)
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    /// What this sync did
    #[arg(long, value_name = "NAME")]
    pub(crate) sync: Option<String>,
    /// On this connection
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// To records of this kind
    #[arg(long, value_name = "KIND")]
    pub(crate) entity: Option<String>,
    /// To this record
    #[arg(long, value_name = "ID", requires = "connection")]
    pub(crate) record: Option<String>,
    /// To this field
    #[arg(long, value_name = "NAME", requires = "connection")]
    pub(crate) field: Option<String>,
    /// Since this long ago (`30m`, `2h`, `7d`) or since this time
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Until this long ago or until this time
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,
    /// Do it without asking
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    /// Only show what it would do
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Calls {
    /// Only on this connection
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// Only operations whose id contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) operation: Option<String>,
    /// Only with this outcome: answered, throttled, unavailable, …
    #[arg(long, value_name = "WORD")]
    pub(crate) outcome: Option<String>,
    /// Only with this HTTP status
    #[arg(long, value_name = "CODE")]
    pub(crate) status: Option<u16>,
    /// Only what followed from this cause
    #[arg(long, value_name = "TRACE")]
    pub(crate) cause: Option<String>,
    /// Only since this long ago (`30m`, `2h`, `7d`) or since this time
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Journal {
    /// Only of this connection
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// Only of this sync
    #[arg(long, value_name = "NAME")]
    pub(crate) sync: Option<String>,
    /// Only of this record
    #[arg(long, value_name = "ID")]
    pub(crate) record: Option<String>,
    /// Only of this field
    #[arg(long, value_name = "NAME")]
    pub(crate) field: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Failing {
    /// Only on this connection
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Blocked {
    /// Only of this sync
    #[arg(long, value_name = "NAME")]
    pub(crate) sync: Option<String>,
    /// Each record by itself
    #[arg(long)]
    pub(crate) records: bool,
    /// At most so many; 0: all of them
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Skipped {
    /// The sync
    #[arg(value_name = "SYNC")]
    pub(crate) sync: String,
    /// Only for this reason: out_of_scope, not_in_pilot, create_off, create_condition, nothing_to_write, belongs_to_none, waiting, left_alone
    #[arg(long, value_name = "REASON")]
    pub(crate) reason: Option<String>,
    /// At most so many; 0: all of them
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// Only of this sync
    #[arg(long, value_name = "NAME")]
    pub(crate) sync: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Vault {
    /// Seal all credentials anew under a new key
    #[command(after_help = "\
Example:
  tandem vault rotate")]
    Rotate,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// Only of this connection
    #[arg(long)]
    pub(crate) connection: Option<String>,
    /// Only of this kind of record
    #[arg(long)]
    pub(crate) entity: Option<String>,
    /// Only this record
    #[arg(long)]
    pub(crate) record: Option<String>,
    /// Only fields that were refused in this sync
    #[arg(long)]
    pub(crate) sync: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Alerts {
    /// Send a test on each channel now, and say what came of it
    #[arg(long)]
    pub(crate) test: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The new file; it must not be there
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// A file that `tandem backup` made
    #[arg(required_unless_present = "already", conflicts_with = "already")]
    pub(crate) file: Option<PathBuf>,
    /// The database was restored by other means (`pg_restore`, a snapshot of a disk): only note that
    #[arg(long)]
    pub(crate) already: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MigrateStore {
    /// The database file
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// The empty database: postgres://USER:PASSWORD@HOST/NAME
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    /// A name of your choice, to know it by
    pub(crate) name: String,
    /// It may change things, not only look
    #[arg(long)]
    pub(crate) admin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ErrorCode {
    /// Such as TDM-C002; all are listed if none is given
    pub(crate) code: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn look(command: &clap::Command, without: &mut Vec<String>) {
            let shown: Vec<_> = command
                .get_subcommands()
                .filter(|command| !command.is_hide_set())
                .collect();
            let help = command.get_after_help().map(ToString::to_string);
            let name = format!("tandem {}", command.get_name());
            if shown.is_empty() && !help.is_some_and(|help| help.contains("tandem ")) {
                without.push(name);
            }
            for command in shown {
                look(command, without);
            }
        }
        let mut without = Vec::new();
        look(&Cli::command(), &mut without);
        assert_eq!(without, Vec::<String>::new());
    }

    /// Commands that show nothing of what is stored, or show it in a form that programs read anyway.
    const WITHOUT_JSON: [&str; 12] = [
        "completions",
        "init",
        "links export",
        "links forget",
        "links split",
        "listen",
        "restore",
        "sandbox",
        "schema",
        "serve",
        "token",
        "vault rotate",
    ];

    #[test]
    fn every_command_that_lists_prints_json_on_demand() {
        fn look(command: &clap::Command, path: &str, without: &mut Vec<String>) {
            let shown = command
                .get_subcommands()
                .filter(|command| !command.is_hide_set());
            let mut is_group = false;
            for inner in shown {
                is_group = true;
                let path = format!("{path} {}", inner.get_name());
                look(inner, path.trim_start(), without);
            }
            let takes = command.get_arguments().any(|own| own.get_id() == "json");
            if !takes && !is_group {
                without.push(path.to_owned());
            }
        }
        let mut without = Vec::new();
        look(&Cli::command(), "", &mut without);
        without.sort_unstable();
        assert_eq!(without, WITHOUT_JSON);
    }
}
