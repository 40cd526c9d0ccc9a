"""Which checker decides the cases of which section: {kind of file: {section: module of tests/judge}}.

A module has `check(section, case, context)`: it returns when the core does what the case says (or what
docs/differences.md says instead) and raises CaseFailed when not, also for a shape of case that it does not know.
A section that is not here, and every case in it, counts as failed.
"""

SECTIONS = {
    "intention": {
        "valid": "check_intention",
        "construct": "check_intention",
        "decode": "check_intention",
        "hlc": "check_hlc",
        "proto": "check_intention",
    },
    "signature": {"cases": "check_signature", "intentions": "check_signature"},
    "witness": {"chains": "check_witness", "verify": "check_witness", "bootstrap": "check_witness_bootstrap"},
    "kv": {"scenarios": "check_kv", "rows": "check_kv"},
    "system": {"scenarios": "check_system", "nesting": "check_system"},
    "root": {"scenarios": "check_root"},
    "log": {"scenarios": "check_log"},
    "api": {"kv": "check_api", "log": "check_api", "root": "check_api", "system_writer": "check_api"},
    "weaver": {
        "scenarios": "check_weaver",
        "acks": "check_acks",
        "submit": "check_submit",
        "dag": "check_dag",
    },
    "reconcile": {"sessions": "check_sessions", "store_sessions": "check_store_sessions", "process": "check_sessions"},
    "bootstrap_large": {"intentions_in_order": "check_bootstrap_large", "messages": "check_bootstrap_large"},
    "server": {
        "created": "check_server_log",
        "log_after": "check_server_log",
        "conversations": "check_server",
        "bootstrap_paging": "check_server",
    },
    "transcripts": {"intentions": "check_transcripts", "transcripts": "check_transcripts"},
    "wire": {
        "peer_messages": "check_peer_messages",
        "peer_message_decode": "check_peer_messages",
        "framing": "check_framing",
        "gossip": "check_gossip",
        "invite_tokens": "check_invites",
        "invite_parse": "check_invites",
        "genesis": "check_ops",
        "ops": "check_ops",
        "stored": "check_stored",
        "snapshots": "check_snapshots",
    },
}

# Sections whose cases the others of their file need.
FIRST = {"server": ("created", "log_after")}

# Sections that are no lists of cases but context of the others: {kind of file: names}. They and all scalar
# fields of the file reach the checkers as `context.document`.
CONTEXT = {"transcripts": ("keys", "stores")}


def kind_of(document):
    """What kind of file this is; files without a `file` field are known by their sections."""
    if "file" in document:
        return document["file"]
    if "transcripts" in document:
        return "transcripts"
    if "intentions_in_order" in document:
        return "bootstrap_large"
    return ""


def checker_of(kind, section):
    """Module name of the checker, or "" when nobody checks this section."""
    return SECTIONS.get(kind, {}).get(section, "")
