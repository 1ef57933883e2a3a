"""A run on Ray Data, on this machine or on a cluster, with inputs and outputs by path or URL.

The driver finds the inputs, gives them their outputs and collects results in order. An actor loads
the model once and works through a batch as ``jobs.run`` does in one process. Local outputs have the
journal of any other run. For outputs elsewhere, where nothing can be appended to, each batch leaves
its lines as a small file in ``.ppd-journal/``; their names are in the order of time. The file is
there, without sizes, before the batch's first output is: what a run that is killed has put there is
known, and made again.

What fails because a process or a machine is lost is done again; what fails because of a photo, or
of the model, is not.
"""
