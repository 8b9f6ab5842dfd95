//! The flags of each verb: what people see of them in the help, and what they set.
//!
//! Every flag has an environment variable. A flag comes before its own variable, and before the variable
//! of a flag that it excludes. Docs are broken where the help is: nothing else breaks its lines. What the times must keep to is `Config`'s to say. `help.rs` has the rest
//! of the help.

use crate::job::Privileges;
use crate::say::Loudness;
use crate::times;
use crate::url::Url;
use clap::builder::{FalseyValueParser, OsStringValueParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args};
use consensus::{Absent, Config, WorkScope};
use std::ffi::OsString;
use std::time::Duration;

/// `consensus run`
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Run {
    /// Who we are, for people: 1 to 256 bytes of text. Default: host
    /// name, process id and some randomness
    #[arg(verbatim_doc_comment)]
    #[arg(long, value_name = "ID", env = "CONSENSUS_ID", hide_env_values = true)]
    pub(crate) id: Option<String>,

    /// A text by which others find us while we lead, such as a URL: 1 to
    /// 1024 bytes. Default: none
    #[arg(verbatim_doc_comment)]
    #[arg(
        long,
        value_name = "TEXT",
        env = "CONSENSUS_ADDRESS",
        hide_env_values = true
    )]
    address: Option<String>,

    /// How long to wait for leadership. Default: for ever
    #[arg(
        long,
        value_name = "TIME",
        env = "CONSENSUS_WAIT",
        hide_env_values = true
    )]
    #[arg(value_parser = times::parse, allow_hyphen_values = true)]
    wait: Option<Duration>,

    /// Do not wait: give up if somebody else leads, or may. Default: wait
    #[arg(long, env = "CONSENSUS_NONBLOCK", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    nonblock: bool,

    /// Lead at once where there is no record. For throw-away elections:
    /// somebody may have deleted it under a leader. Default: such a
    /// record counts as held, for one lease
    #[arg(verbatim_doc_comment)]
    #[arg(long, env = "CONSENSUS_ABSENT_IS_FREE", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    absent_is_free: bool,

    /// The context of the kubeconfig, for kubernetes:// only. Default: the
    /// cluster that we run in, or else the current context
    #[arg(verbatim_doc_comment)]
    #[arg(
        long,
        value_name = "NAME",
        env = "CONSENSUS_CONTEXT",
        hide_env_values = true
    )]
    context: Option<String>,

    /// Let the command gain privileges, as sudo does. What has more than
    /// we have cannot be ended by us. Default: it cannot gain any, unless
    /// we are root
    #[arg(verbatim_doc_comment)]
    #[arg(long, env = "CONSENSUS_ALLOW_PRIVILEGES", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    allow_privileges: bool,

    /// Say only what goes wrong, and why a term ended before its command
    /// did. Default: also who leads, and what is waited for
    #[arg(verbatim_doc_comment)]
    #[arg(short, long, env = "CONSENSUS_QUIET", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    quiet: bool,

    /// Say also what the times mean, each try that failed, and the
    /// release. Twice: log the election as well; three and four times: in
    /// more detail. The variable takes a number. Default: 0
    #[arg(verbatim_doc_comment)]
    #[arg(short, long, env = "CONSENSUS_VERBOSE", hide_env_values = true)]
    #[arg(action = ArgAction::Count)]
    verbose: u8,

    #[arg(help = "Where the election takes place: file:PATH or kubernetes://NAMESPACE/NAME")]
    #[arg(value_name = "URL", value_parser = OsStringValueParser::new().try_map(|url| Url::parse(&url)))]
    pub(crate) url: Url,

    /// The command, and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,

    // Last: what comes after it would stand below its heading.
    #[command(flatten)]
    times: Times,
}

/// The times of the election.
#[derive(Debug, Args)]
#[command(next_help_heading = "Times, such as 500ms, 15s, 1m30s or 2h")]
struct Times {
    /// How long others wait after the last sign of life of a leader:
    /// 320ms to 24h. All candidates of an election use the same
    #[arg(verbatim_doc_comment)]
    #[arg(
        long,
        value_name = "TIME",
        env = "CONSENSUS_LEASE",
        hide_env_values = true
    )]
    #[arg(default_value = "15s", value_parser = times::parse, allow_hyphen_values = true)]
    lease: Duration,

    /// How long a leader still leads after it sent its last renewal that
    /// was confirmed. Default: 2/3 of the lease, which is 10s of 15s
    #[arg(verbatim_doc_comment)]
    #[arg(
        long,
        value_name = "TIME",
        env = "CONSENSUS_RENEW_DEADLINE",
        hide_env_values = true
    )]
    #[arg(value_parser = times::parse, allow_hyphen_values = true)]
    renew_deadline: Option<Duration>,

    /// How often a leader renews. Default: 1/3 of the lease, which is 5s
    /// of 15s
    #[arg(verbatim_doc_comment)]
    #[arg(
        long,
        value_name = "TIME",
        env = "CONSENSUS_RENEW",
        hide_env_values = true
    )]
    #[arg(value_parser = times::parse, allow_hyphen_values = true)]
    renew: Option<Duration>,

    /// How often a follower tries that the store does not tell of
    /// changes, and a leader whose renewal failed. Default: 2/15 of the
    /// lease, at most 2s, which is 2s of 15s
    #[arg(verbatim_doc_comment)]
    #[arg(
        long,
        value_name = "TIME",
        env = "CONSENSUS_RETRY",
        hide_env_values = true
    )]
    #[arg(value_parser = times::parse, allow_hyphen_values = true)]
    retry: Option<Duration>,

    /// How long one request to the store may take before it is given up
    /// and tried again. Default: 0.45 of renew deadline less renew time,
    /// at most 10s, which is 2.25s of 15s
    #[arg(verbatim_doc_comment)]
    #[arg(
        long,
        value_name = "TIME",
        env = "CONSENSUS_REQUEST_TIMEOUT",
        hide_env_values = true
    )]
    #[arg(value_parser = times::parse, allow_hyphen_values = true)]
    request_timeout: Option<Duration>,

    /// How long the command may take to end after SIGTERM, before
    /// SIGKILL. Default: 4/15 of the lease, which is 4s of 15s
    #[arg(verbatim_doc_comment)]
    #[arg(
        long,
        value_name = "TIME",
        env = "CONSENSUS_GRACE",
        hide_env_values = true
    )]
    #[arg(value_parser = times::parse, allow_hyphen_values = true)]
    grace: Option<Duration>,
}

/// `consensus status`
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print one JSON object, for programs. Default: a text for people
    #[arg(long, env = "CONSENSUS_JSON", hide_env_values = true)]
    #[arg(value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,

    /// The context of the kubeconfig, for kubernetes:// only. Default: the
    /// cluster that we run in, or else the current context
    #[arg(verbatim_doc_comment)]
    #[arg(
        long,
        value_name = "NAME",
        env = "CONSENSUS_CONTEXT",
        hide_env_values = true
    )]
    context: Option<String>,

    #[arg(help = "Where the election takes place: file:PATH or kubernetes://NAMESPACE/NAME")]
    #[arg(value_name = "URL", value_parser = OsStringValueParser::new().try_map(|url| Url::parse(&url)))]
    pub(crate) url: Url,
}

/// How long to wait for leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    Endless,
    AtMost(Duration),
    None,
}

impl Run {
    pub(crate) fn patience(&self) -> Patience {
        match (self.nonblock, self.wait) {
            (true, _) => Patience::None,
            (false, Some(time)) => Patience::AtMost(time),
            (false, None) => Patience::Endless,
        }
    }

    pub(crate) fn loudness(&self) -> Loudness {
        match (self.quiet, self.verbose) {
            (true, _) => Loudness::Quiet,
            (false, 0) => Loudness::Usual,
            (false, times) => Loudness::Verbose(times),
        }
    }

    pub(crate) fn privileges(&self) -> Privileges {
        if self.allow_privileges {
            Privileges::MayBeGained
        } else {
            Privileges::Kept
        }
    }

    /// What was asked for, as the library takes it. Unchecked.
    pub(crate) fn config(&self, identity: &str) -> Config {
        // The death of this process alone proves nothing: it is the guard that ends the work, and then
        // releases.
        let mut config = Config::new(identity)
            .work_scope(WorkScope::Beyond)
            .leave_time_to_kill();
        if let Some(address) = &self.address {
            config = config.address(address);
        }
        if self.absent_is_free {
            config = config.absent(Absent::Free);
        }
        self.times.set(config)
    }

    /// Decides between flags that exclude each other. The error says which contradict.
    pub(crate) fn settle(&mut self, matches: &ArgMatches) -> Result<(), String> {
        settle_context(&mut self.url, self.context.take())?;
        if self.wait.is_some() && self.nonblock {
            match stronger(matches, "wait", "nonblock")? {
                Stronger::First => self.nonblock = false,
                Stronger::Second => self.wait = None,
            }
        }
        if self.quiet && self.verbose > 0 {
            match stronger(matches, "quiet", "verbose")? {
                Stronger::First => self.verbose = 0,
                Stronger::Second => self.quiet = false,
            }
        }
        Ok(())
    }
}

impl Status {
    /// As [`Run::settle`].
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        settle_context(&mut self.url, self.context.take())
    }
}

/// The context is a part of the place.
fn settle_context(url: &mut Url, context: Option<String>) -> Result<(), String> {
    if let Some(context) = context {
        *url = url.clone().in_context(context)?;
    }
    Ok(())
}

/// What takes a time into a configuration.
type Set = fn(Config, Duration) -> Config;

impl Times {
    fn set(&self, mut config: Config) -> Config {
        config = config.lease_duration(self.lease);
        let others: [(Option<Duration>, Set); 5] = [
            (self.renew_deadline, Config::renew_deadline),
            (self.renew, Config::renew_interval),
            (self.retry, Config::retry_interval),
            (self.request_timeout, Config::request_timeout),
            (self.grace, Config::stop_grace),
        ];
        for (time, set) in others {
            if let Some(time) = time {
                config = set(config, time);
            }
        }
        config
    }
}

/// Which of two flags holds.
enum Stronger {
    First,
    Second,
}

fn stronger(matches: &ArgMatches, first: &str, second: &str) -> Result<Stronger, String> {
    let is_flag = |name| matches.value_source(name) == Some(ValueSource::CommandLine);
    match (is_flag(first), is_flag(second)) {
        (true, false) => Ok(Stronger::First),
        (false, true) => Ok(Stronger::Second),
        (true, true) | (false, false) => Err(format!(
            "--{first} and --{second} (or their variables) contradict each other; give one of them\n"
        )),
    }
}
