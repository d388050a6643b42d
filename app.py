"""The Workbench app: ``make app``, or ``streamlit run app.py``.

The server object below serves pictures and runs ``pages/shared/frame.py`` for every browser
session, which draws the page that the address names. That script is not this file, because beside
a folder named ``pages`` Streamlit would take over the navigation of the first visit.
"""

from streamlit.starlette import App

from pages.shared import server

app = App(
    server.FRAME,
    routes=server.routes(),
    lifespan=server.lifespan,
    on_script_error=server.show_error,
)
