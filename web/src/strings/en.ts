// SPDX-License-Identifier: MIT
// Every word that the page says. Another language is another file with the
// same shape (see index.ts); whole sentences, because word order differs.
import type { DeviceTrouble } from "../media/capture";

const count = (n: number, one: string, many: string) => (n === 1 ? one : many);

export const en = {
  direction: "ltr" as "ltr" | "rtl",
  appName: "videocall",
  home: {
    title: "Meet face to face",
    lead: "Open a room, send the link, talk. Nothing to install, no account.",
    name: "Your name",
    namePlaceholder: "How the others see you",
    meeting: "Meeting",
    meetingPlaceholder: "Name or link",
    meetingHint: "Letters, digits, - and _. Paste a link if you got one.",
    meetingBad: "A meeting's name has only letters, digits, - and _.",
    newMeeting: "New meeting",
    open: "Continue",
  },
  lobby: {
    title: (meeting: string) => `Ready to join ${meeting}?`,
    name: "Your name",
    nameMissing: "The others need a name to know you by.",
    join: "Join",
    joinWithout: "Join without camera and microphone",
    microphone: "Microphone",
    camera: "Camera",
    speaker: "Speaker",
    level: "Microphone level",
    device: (n: number) => `Device ${n}`,
    cameraOff: "Your camera is off",
    starting: "Waiting for your camera and microphone. If the browser asks, choose Allow.",
    nobody: "Nobody is here yet.",
    here: (names: string[], more: number) => {
      const all = more > 0 ? [...names, `${more} more`] : names;
      const list = new Intl.ListFormat("en").format(all);
      return `${list} ${count(names.length + more, "is", "are")} here.`;
    },
    hereCount: (n: number) => `${n} ${count(n, "person is", "people are")} here.`,
    back: "Back",
    tryAgain: "Try again",
    preview: "Your camera, as you would see yourself in a mirror",
  },
  controls: {
    bar: "Call controls",
    mute: "Mute",
    unmute: "Unmute",
    stopVideo: "Stop camera",
    startVideo: "Start camera",
    share: "Share screen",
    stopShare: "Stop sharing",
    react: "React",
    chat: "Chat",
    people: "People",
    more: "More",
    leave: "Leave",
    close: "Close",
    unread: (n: number) => `${n} new`,
  },
  call: {
    grid: "People in the call",
    you: "You",
    youAlone: "You are the only one here",
    invite: "Send the link to whoever should join.",
    copyLink: "Copy link",
    copied: "Link copied",
    copyFailed: (link: string) => `Copy this link: ${link}`,
    joined: (name: string) => `${name} joined.`,
    left: (name: string) => `${name} left.`,
    said: (name: string, text: string) => `${name}: ${text}`,
    hostMuted: "The host muted your microphone.",
    hostStoppedVideo: "The host stopped your camera.",
    trackFailed: {
      audio: "Your sound cannot be encoded in this browser.",
      video: "Your camera's picture cannot be encoded in this browser.",
      screen: "Your screen cannot be encoded in this browser.",
    },
    muted: "muted",
    frozen: "Reconnecting",
    weak: "Weak network: the picture arrives late or not at all",
    hand: "raised a hand",
    screenOf: (name: string) => `${name}'s screen`,
    youShare: "You share your screen",
    pin: (name: string) => `Show ${name} large`,
    unpin: "Back to the grid",
    page: (page: number, pages: number) => `Page ${page} of ${pages}`,
    nextPage: "Next page",
    previousPage: "Previous page",
    soundOff: "The browser plays no sound until you click.",
    soundOn: "Turn sound on",
    selfView: "Your own picture; drag it or move it with the arrow keys",
  },
  state: {
    joining: "Joining",
    connecting: "Connecting",
    stillConnecting:
      "The server does not answer over UDP yet; trying again. A firewall may block it.",
    connected: "Connected",
    reconnecting: (s: number) =>
      s > 0 ? `Connection lost. Reconnecting for ${s} s` : "Connection lost. Reconnecting",
    offline: "This device is offline. The call comes back with the network.",
    notEncrypted: "Encrypted to the server, not end to end",
    encrypted: "End-to-end encrypted",
    rtt: (ms: number) => `${ms} ms`,
  },
  over: {
    left: "You left the call",
    "meeting-ended": "The meeting has ended",
    removed: "You were removed from the meeting",
    "protocol-error": "The server closed the call",
    superseded: "You are in this call somewhere else now",
    detail: {
      left: "",
      "meeting-ended": "The host ended it for everyone.",
      removed: "A host removed you. Ask them if that was a mistake.",
      "protocol-error": "It did not understand what this page sent. Reload the page; if that does not help, tell whoever runs the server.",
      superseded: "The call went on in another window or on another device with your name.",
    },
    unsupported: "This browser cannot join",
    unsupportedDetail:
      "It lacks WebCodecs. Chrome, Edge, Firefox and Safari have it in their current versions.",
    insecure: "This address is not secure",
    insecureDetail:
      "Browsers allow calls only over https:// (or on localhost). Open the page with https://.",
    refused: "You cannot join",
    refusedBy: (status: number): string => {
      switch (status) {
        case 400:
          return "The server does not accept this meeting's name or your name.";
        case 401:
          return "You need to sign in first.";
        case 403:
          return "You are not admitted to this meeting.";
        case 404:
          return "There is no such meeting.";
        default:
          return `The server refused (${status}).`;
      }
    },
    waiting: "Somebody inside has to let you in first.",
    again: "Join again",
    home: "To the start page",
  },
  chat: {
    title: "Chat",
    empty: "Nothing said yet. Messages go to everyone in the call and are not kept.",
    write: "Write to everyone",
    send: "Send",
  },
  people: {
    title: (n: number) => `People (${n})`,
    host: "host",
    guest: "guest",
    micOff: "microphone off",
    camOff: "camera off",
  },
  more: {
    title: "More",
    devices: "Devices",
    appearance: "Appearance",
    theme: { system: "System", light: "Light", dark: "Dark" },
    connection: "Connection",
    shortcuts: "Keys",
    hand: "Raise hand",
    handDown: "Lower hand",
    transport: "Transport",
    fallback: "WebSocket, because UDP seems blocked",
    roundTrip: "Round trip",
    loss: "Loss",
    lossPercent: (share: number) => `${Math.round(share * 100)} %`,
    receiving: "Receiving",
    receives: (people: number, kbps: number) =>
      people === 1 ? `1 picture, ${kbps} kbit/s` : `${people} pictures, ${kbps} kbit/s`,
    sending: "Sending",
    sends: (width: number, height: number, kbps: number) => `${width}×${height}, ${kbps} kbit/s`,
    nothing: "no picture",
    encryption: "Encryption",
  },
  reactions: [
    "",
    "Thumbs up",
    "Thumbs down",
    "Laugh",
    "Applause",
    "Heart",
    "Thinking",
    "Party",
  ],
  trouble: {
    title: {
      microphone: "No microphone",
      camera: "No camera",
      both: "No camera and no microphone",
      screen: "The screen cannot be shared",
    },
    why: (which: "microphone" | "camera" | "screen" | "both", trouble: DeviceTrouble): string => {
      const device = which === "both" ? "camera and the microphone" : which;
      switch (trouble) {
        case "denied":
          return `The browser was told not to let this page use the ${device}.`;
        case "missing":
          return `No ${device} was found. Plug one in, or join without.`;
        case "busy":
          return `The ${device} ${which === "both" ? "are" : "is"} in use by another program or unplugged. Close that program and try again.`;
        case "insecure":
          return "Browsers give devices only to pages on https:// (or localhost).";
        default:
          return `The ${device} could not be opened.`;
      }
    },
    undo: {
      chromium:
        "To change that, click the icon left of the address, set Camera and Microphone to Allow, and try again.",
      firefox:
        "To change that, click the crossed-out device left of the address, remove the block, and try again.",
      safari:
        "To change that, choose Settings for This Website in the Safari menu, set Camera and Microphone to Allow, and try again.",
      other: "To change that, allow camera and microphone for this page in the browser's settings.",
    },
  },
};

export type Strings = typeof en;
