// The design system's behaviour: error summaries take the focus, menus fold, buttons act once.
import { initAll } from "../vendor/nhsuk-frontend.js";

initAll();
