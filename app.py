"""The Workbench app: ``make app``, or ``streamlit run app.py``.

Streamlit reads this file in two roles. Imported by the server as ``app``, it hands over the
server object: the pages plus the routes that serve pictures. Run as ``__main__`` for a browser
session, it draws the page that the address names.
"""

from pages.shared import frame

if __name__ == "__main__":
    frame.draw()
else:
    from streamlit.starlette import App

    from pages.shared import server

    app = App(
        __file__,
        routes=server.routes(),
        lifespan=server.lifespan,
        on_script_error=server.show_error,
    )
