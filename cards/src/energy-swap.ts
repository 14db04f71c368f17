// Everything that Home Assistant loads from the integration: the cards, the page and the dashboard strategy.
import "./cards/money-card.js";
import "./cards/market-card.js";
import "./cards/forecast-card.js";
import "./cards/history-card.js";
import "./panel.js";
import "./strategy.js";
