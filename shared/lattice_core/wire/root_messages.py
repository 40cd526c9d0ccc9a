"""The tables of `core:rootstore`'s messages (docs/reference/03-state-machines.md §5), for the store that has apps."""

from .protobuf import Message

RegisterAppOp = Message(
    "RegisterAppOp", ((1, "subdomain", "string"), (2, "app_id", "string"), (3, "store_id", "bytes"))
)
RemoveAppOp = Message("RemoveAppOp", ((1, "subdomain", "string"),))
UploadBundleOp = Message("UploadBundleOp", ((1, "app_id", "string"), (2, "data", "bytes"), (3, "manifest", "bytes")))
RemoveBundleOp = Message("RemoveBundleOp", ((1, "app_id", "string"),))
RootOperation = Message(
    "RootOperation",
    (
        (1, "register_app", RegisterAppOp, "op"),
        (2, "remove_app", RemoveAppOp, "op"),
        (3, "upload_bundle", UploadBundleOp, "op"),
        (4, "remove_bundle", RemoveBundleOp, "op"),
    ),
)
RootPayload = Message("RootPayload", ((1, "ops", RootOperation, "*"), (2, "version", "uint32")))
BundleManifestEntry = Message("BundleManifestEntry", ((1, "key", "string"), (2, "value", "string")))
BundleManifestSection = Message(
    "BundleManifestSection", ((1, "name", "string"), (2, "entries", BundleManifestEntry, "*"))
)
BundleManifest = Message("BundleManifest", ((1, "sections", BundleManifestSection, "*"),))
