"""The workbench: pages over the run store, served to the browser of this machine.

    site.py         what the pages show: the store, the folders opened besides it, the journal of decisions
    guard.py        who may ask: host, origin, the one-time link, the headers that keep text from being run
    app.py          which module brings which pages; each is imported when the server starts, none by `assay --help`
    rendering.py    one way from values to a page: every value escaped, every control character visible
    plots.py        where things stand on a plot; templates/plots.html draws them, `as_text` writes them
    single_file.py  the same pages as one file that opens from disk
    serving.py      the server on 127.0.0.1

Pages of a stage are in that stage's `web/` folder, with their templates; they meet the core only here.
"""
