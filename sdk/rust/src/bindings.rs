//! What `wit-bindgen` makes of the contract. The modules beside this one are the names to use.

#![expect(clippy::too_many_arguments, reason = "generated; a record crosses the component's border as its fields")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "agent",
    pub_export_macro: true,
    export_macro_name: "export",
    default_bindings_module: "orchestra_pit_sdk::bindings",
    generate_unused_types: true,
    additional_derives: [PartialEq],
    // Records of which an agent usually fills in one or two fields, so that `..Default::default()` says the rest.
    additional_type_attributes: {
        "pit:agent/types@0.1.0/task": [#[derive(Default)]],
        "pit:agent/types@0.1.0/report": [#[derive(Default)]],
        "pit:agent/model@0.1.0/request": [#[derive(Default)]],
        "pit:agent/model@0.1.0/choice": [#[derive(Default)]],
        "pit:agent/workspace@0.1.0/query": [#[derive(Default)]],
        "pit:agent/workspace@0.1.0/write-options": [#[derive(Default)]],
        "pit:agent/vcs@0.1.0/diff-options": [#[derive(Default)]],
        "pit:agent/exec@0.1.0/command": [#[derive(Default)]],
        "pit:agent/human@0.1.0/question": [#[derive(Default)]],
        "pit:agent/human@0.1.0/proposal": [#[derive(Default)]],
        "pit:agent/board@0.1.0/card": [#[derive(Default)]],
        "pit:agent/delegate@0.1.0/order": [#[derive(Default)]],
        "pit:agent/delegate@0.1.0/share": [#[derive(Default)]],
    },
    additional_member_attributes: {
        "pit:agent/model@0.1.0/choice.automatic": [#[default]],
    },
});
