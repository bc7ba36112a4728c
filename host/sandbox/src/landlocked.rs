//! A second wall around files, that holds even where a mount was made wrongly: what may be read, executed and written.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use crate::spec::Mount;

/// The newest set of rights that was thought about; an older kernel enforces those that it knows.
const KNOWN: ABI = ABI::V6;

/// Restricts this process and whatever it starts, and says whether the kernel enforces at least what paths need.
pub fn apply(mounts: &[Mount]) -> Result<bool, RulesetError> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let make = AccessFs::MakeChar | AccessFs::MakeBlock;
    let all = AccessFs::from_all(KNOWN) & !make;
    rules = allow(rules, Path::new("/"), read)?;
    rules = allow(rules, Path::new("/dev"), read | AccessFs::WriteFile | AccessFs::IoctlDev)?;
    rules = allow(rules, Path::new("/dev/shm"), all)?;
    rules = allow(rules, Path::new("/proc"), read | AccessFs::WriteFile)?;
    for mount in mounts {
        let (path, access) = match mount {
            Mount::Bind { to, writable: true, exec: true, .. } => (to, all),
            Mount::Bind { to, writable: true, exec: false, .. } => (to, all & !AccessFs::Execute),
            Mount::Bind { to, exec: true, .. } => (to, read | AccessFs::Execute),
            Mount::Overlay { to, .. } | Mount::Tmpfs { to, .. } => (to, all),
            Mount::Bind { .. } | Mount::File { .. } | Mount::Symlink { .. } => continue,
        };
        rules = allow(rules, path, access)?;
    }
    let status = rules.restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    // A place that a later mount hides cannot be opened and needs no rule.
    let Ok(at) = PathFd::new(PathBuf::from(path)) else { return Ok(rules) };
    let folder = crate::root::is_folder(&at).unwrap_or(true);
    let access = if folder { access } else { access & AccessFs::from_file(KNOWN) };
    rules.add_rule(PathBeneath::new(at, access))
}

/// The version of Landlock that this kernel enforces, or why there is none. Tried by restricting this process.
pub fn version() -> Result<String, String> {
    let made = Ruleset::default().handle_access(AccessFs::Execute).and_then(Ruleset::create);
    let tried = made.and_then(RulesetCreated::restrict_self).map_err(|error| error.to_string())?;
    match tried.landlock {
        LandlockStatus::Available { effective_abi, .. } => Ok(format!("{effective_abi:?}")),
        LandlockStatus::NotEnabled => {
            Err("it is built into this kernel and not switched on (lsm=landlock,…)".to_owned())
        }
        LandlockStatus::NotImplemented => Err("this kernel does not have it".to_owned()),
    }
}
