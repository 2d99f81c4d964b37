// The page of hits was sent for, not gone to. Without this, Back would ask to send the words once more;
// with it, Back and Reload show the empty line, and nothing of the search is kept by the browser.
history.replaceState(null, "", location.pathname);
