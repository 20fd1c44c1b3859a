"""The suite's side of the GIMP plug-in: a worker that fills, and the installer.

GIMP's own Python has no networks, so the plug-in (`plugins/gimp`) hands pixels and mask to a worker
process in the suite's environment. One GIMP has one worker: started by the first call, ended with
GIMP.
"""
