"""The version of the messages between plug-in and worker, see `methods.gimp.protocol`."""

PROTOCOL_VERSION = 1
