// SPDX-License-Identifier: MIT
import { render } from "preact";

render(<h1>videocall</h1>, document.getElementById("app")!);
