/** All that opens in a dialog, and its sentences: fetched together with the first. */

import en from "./locales/en.dialogs.js";
import { alsoSay } from "./words.js";

export { openBatch } from "./batch.js";
export { openExport } from "./export.js";
export { openHelp } from "./help.js";
export { openSettings } from "./settings.js";

alsoSay(en);
