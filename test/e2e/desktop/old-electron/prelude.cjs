// Runs before the shell in an old Electron and gives it what the current one has. Part of the desktop test only.
require('core-js/stable');
const { EventEmitter } = require('events');
const electron = require('electron');

class Signal extends EventEmitter {
  constructor() {
    super();
    this.setMaxListeners(0);
    this.aborted = false;
  }

  addEventListener(type, listener) {
    this.on(type, listener);
  }

  removeEventListener(type, listener) {
    this.off(type, listener);
  }
}

class Controller {
  constructor() {
    this.signal = new Signal();
  }

  abort() {
    if (this.signal.aborted) return;
    this.signal.aborted = true;
    this.signal.emit('abort');
  }
}

globalThis.AbortController = globalThis.AbortController || Controller;

const navigations = new Set(['will-navigate', 'will-frame-navigate', 'will-redirect']);

electron.app.on('web-contents-created', (_event, contents) => {
  if (contents.setWindowOpenHandler) return;
  const on = contents.on.bind(contents);
  // Newer ones carry the address in the event itself.
  contents.on = (name, listener) => {
    if (!navigations.has(name)) return on(name, listener);
    return on(name, (event, url, ...rest) => {
      event.url = url;
      listener(event, url, ...rest);
    });
  };
  contents.setWindowOpenHandler = (handler) => {
    on('new-window', (event, url) => {
      if (handler({ url }).action === 'deny') event.preventDefault();
    });
  };
});

electron.app.on('session-created', (session) => {
  session.setDevicePermissionHandler = session.setDevicePermissionHandler || (() => undefined);
});

// As root there is no sandbox to be had, and asking for it all the same ends this version.
if (process.argv.includes('--no-sandbox')) electron.app.enableSandbox = () => undefined;
