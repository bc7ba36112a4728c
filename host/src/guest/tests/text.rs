//! Components in WebAssembly's text form: the contract's types once, and what a test puts into them.

/// What a test's component has of its own. Empty, it is an agent that is done at once.
#[derive(Default)]
pub struct Parts<'a> {
    /// Imports of the component, each an instance.
    pub imports: &'a str,
    /// Imported functions as core functions, in the component.
    pub lowers: &'a str,
    /// The same, offered to the core module: `(export "name" (func $name))`.
    pub offers: &'a str,
    /// The core module's imports of them, from `host`.
    pub uses: &'a str,
    /// Whatever else the core module has.
    pub core: &'a str,
    /// The body of `run`. On the stack at its end: the address of an outcome. Address 0 has one that is `done`.
    pub run: &'a str,
    /// Further options of the lifted `run`.
    pub options: &'a str,
}

/// How a function that is lowered reaches the memory that all of a component shares.
pub const LIBC: &str = r#"(memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))"#;

/// The text of a component.
pub fn agent(parts: &Parts<'_>) -> String {
    let Parts { imports, lowers, offers, uses, core, run, options } = parts;
    let run = if run.is_empty() { "(i32.const 0)" } else { run };
    let params = "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)";
    format!(
        r#"(component
  (import "pit:agent/types@0.1.0" (instance $types
    (type $more' (list (tuple string string)))
    (export "more" (type $more (eq $more')))
    (type $error' (record (field "kind" string) (field "message" string) (field "rule" (option string)) (field "hint" (option string)) (field "more" $more)))
    (export "error" (type $error (eq $error')))
    (type $criterion' (record (field "id" string) (field "text" string) (field "more" $more)))
    (export "criterion" (type $criterion (eq $criterion')))
    (type $task' (record (field "goal" string) (field "criteria" (list $criterion)) (field "settings" (list (tuple string string)))
      (field "round" u32) (field "feedback" (list string)) (field "state" (option (list u8))) (field "more" $more)))
    (export "task" (type $task (eq $task')))
    (type $evidence' (record (field "criterion" string) (field "met" bool) (field "evidence" string) (field "more" $more)))
    (export "evidence" (type $evidence (eq $evidence')))
    (type $report' (record (field "summary" string) (field "criteria" (list $evidence)) (field "doubts" (list string))
      (field "state" (option (list u8))) (field "more" $more)))
    (export "report" (type $report (eq $report')))
    (type $outcome' (variant (case "done" $report) (case "again" (list u8)) (case "other" (tuple string string))))
    (export "outcome" (type $outcome (eq $outcome')))
    (type $failure' (record (field "kind" string) (field "message" string) (field "more" $more)))
    (export "failure" (type $failure (eq $failure')))))
  (alias export $types "more" (type $more))
  (alias export $types "error" (type $error))
  (alias export $types "task" (type $task))
  (alias export $types "outcome" (type $outcome))
  (alias export $types "failure" (type $failure))
  {imports}
  (core module $Libc
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
        (then (drop (memory.grow (i32.add (i32.shr_u (local.get 3) (i32.const 16)) (i32.const 1))))))
      (local.get $at))
    ;; Gives all of it back.
    (func (export "reset") (global.set $next (i32.const 65536))))
  (core instance $libc (instantiate $Libc))
  {lowers}
  (core instance $host {offers})
  (core module $Main
    (import "libc" "memory" (memory $memory 1))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    {uses}
    {core}
    (func (export "run") {params} (result i32) {run}))
  (core instance $main (instantiate $Main (with "libc" (instance $libc)) (with "host" (instance $host))))
  (func $run (param "task" $task) (result (result $outcome (error $failure)))
    (canon lift (core func $main "run") {LIBC} {options}))
  (export "run" (func $run)))"#
    )
}

pub fn binary(text: &str) -> Vec<u8> {
    ::wat::parse_str(text).unwrap()
}

/// One function of WASI, by its interface, name and type: what a [`Parts`] needs to call it as `$name`.
pub struct Import {
    pub imports: String,
    pub lowers: String,
    pub offers: String,
    pub uses: String,
}

impl Import {
    /// Of an interface that needs no resource.
    pub fn plain(interface: &str, function: &str, signature: &str, core: &str) -> Self {
        Self {
            imports: format!(
                r#"(import "{interface}" (instance ${function}-i (export "{function}" (func {signature}))))"#
            ),
            lowers: format!(r#"(core func ${function} (canon lower (func ${function}-i "{function}") {LIBC}))"#),
            offers: format!(r#"(export "{function}" (func ${function}))"#),
            uses: format!(r#"(import "host" "{function}" (func ${function} {core}))"#),
        }
    }

    /// Those of `self` and another.
    pub fn and(self, other: Self) -> Self {
        Self {
            imports: self.imports + "\n" + &other.imports,
            lowers: self.lowers + "\n" + &other.lowers,
            offers: self.offers + "\n" + &other.offers,
            uses: self.uses + "\n" + &other.uses,
        }
    }

    pub fn parts(&self) -> Parts<'_> {
        Parts {
            imports: &self.imports,
            lowers: &self.lowers,
            offers: &self.offers,
            uses: &self.uses,
            ..Parts::default()
        }
    }
}

/// `log.write`, at the level `info`, as `(call $say (ptr) (len))`.
pub fn log() -> Import {
    Import {
        imports: r#"(import "pit:agent/log@0.1.0" (instance $log
            (type $level' (variant (case "debug") (case "info") (case "warn") (case "other" string)))
            (export "level" (type $level (eq $level')))
            (export "write" (func (param "level" $level) (param "message" string)))))"#
            .into(),
        lowers: format!(r#"(core func $write (canon lower (func $log "write") {LIBC}))"#),
        offers: r#"(export "write" (func $write))"#.into(),
        uses: r#"(import "host" "write" (func $write (param i32 i32 i32 i32 i32)))
            (func $say (param i32 i32) (call $write (i32.const 1) (i32.const 0) (i32.const 0) (local.get 0) (local.get 1)))
            ;; Writes a number as sixteen hexadecimal digits.
            (func $hex (param $n i64) (local $at i32) (local $digit i32)
              (local.set $at (i32.const 16))
              (loop $next
                (local.set $at (i32.sub (local.get $at) (i32.const 1)))
                (local.set $digit (i32.wrap_i64 (i64.and (local.get $n) (i64.const 15))))
                (i32.store8 (i32.add (i32.const 900) (local.get $at))
                  (i32.add (local.get $digit)
                    (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10)))))
                (local.set $n (i64.shr_u (local.get $n) (i64.const 4)))
                (br_if $next (local.get $at)))
              (call $say (i32.const 900) (i32.const 16)))"#
            .into(),
    }
}

/// An agent that reads one file and is done, whatever it is told.
pub fn reads(path: &str) -> String {
    reads_often(path, 1)
}

/// The same, so many times.
pub fn reads_often(path: &str, times: u32) -> String {
    let len = path.len();
    agent(&Parts {
        imports: r#"(import "pit:agent/workspace@0.1.0" (instance $workspace
            (alias outer 1 $more (type $more'')) (export "more" (type $more (eq $more'')))
            (alias outer 1 $error (type $error'')) (export "error" (type $error (eq $error'')))
            (type $lines' (record (field "first" u32) (field "last" u32)))
            (export "lines" (type $lines (eq $lines')))
            (type $content' (record (field "bytes" (list u8)) (field "hash" string) (field "size" u64) (field "lines" u32)
              (field "cut" bool) (field "more" $more)))
            (export "content" (type $content (eq $content')))
            (export "read" (func (param "path" string) (param "lines" (option $lines)) (result (result $content (error $error)))))))"#,
        lowers: &format!(r#"(core func $read (canon lower (func $workspace "read") {LIBC}))"#),
        offers: r#"(export "read" (func $read))"#,
        uses: r#"(import "host" "read" (func $read (param i32 i32 i32 i32 i32 i32)))
            (import "libc" "reset" (func $reset))"#,
        core: &format!(r#"(data (i32.const 1000) "{path}")"#),
        run: &format!(
            "(local $left i32)
             (local.set $left (i32.const {times}))
             (loop $next
               (call $read (i32.const 1000) (i32.const {len}) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2000))
               (call $reset)
               (local.set $left (i32.sub (local.get $left) (i32.const 1)))
               (br_if $next (local.get $left)))
             (i32.const 0)"
        ),
        ..Parts::default()
    })
}
