"""The service and the page: `webbrain serve`. Needs the extra `webbrain[serve]`."""
