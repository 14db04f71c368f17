// What the service worker shows of a message that the hub sent: its words in both languages, and the page behind it.
const WORDS = {
  en: {
    topped_up: ["Money arrived", "{cents} is in your wallet."],
    payment_failed: ["Payment failed", "Nothing was taken. You can try again."],
    paid_out: ["Paid out", "{cents} is on its way to your M-Pesa."],
    payout_failed: ["Pay-out failed", "The money is back in your wallet."],
    rewarded: ["A reward for you", "{cents} from the community's fund."],
    sold: ["Sold to neighbours", "{sold_wh} for {earned_cents}."],
    bought: ["Bought from neighbours", "{bought_wh} for {paid_cents}."],
    order_matched: ["Your order met one", "{wh} at {cents_per_kwh} per kWh."],
    order_ended: ["Your order has ended", "{remaining_wh} of it found nobody."],
    contract_sell: ["Sold ahead", "{wh} at {cents_per_kwh} per kWh. Have it ready."],
    contract_buy: ["Bought ahead", "{wh} at {cents_per_kwh} per kWh."],
    outbid: ["Somebody bids more", "{cents_per_kwh} per kWh. Your money is free again."],
    auction_sold: ["The auction is over", "{wh} went for {cents_per_kwh} per kWh."],
    auction_unsold: ["The auction is over", "Nothing was sold."],
    meter_silent: ["Your meter is silent", "No reading has come. What it counts meanwhile is not lost."],
    suspended: ["Your household is suspended", "The office can tell you why."],
    readmitted: ["Your household trades again", "Your prices count from the next period on."],
    recovered: ["Your energy is with your new box", "{wh} is there."],
    wallet_differs: ["Your wallet is being checked", "The chain and the books differ. The office looks at it."],
    allowance_lost: ["Your box has to allow again", "Until then {wh} less can be bought."],
    other: ["Energy Swap", "There is news in the app."],
  },
  sw: {
    topped_up: ["Pesa imefika", "{cents} iko kwenye pochi yako."],
    payment_failed: ["Malipo yameshindikana", "Hakuna kilichotolewa. Unaweza kujaribu tena."],
    paid_out: ["Pesa imetolewa", "{cents} iko njiani kwenda M-Pesa yako."],
    payout_failed: ["Kutoa pesa kumeshindikana", "Pesa imerudi kwenye pochi yako."],
    rewarded: ["Zawadi yako", "{cents} kutoka mfuko wa jumuiya."],
    sold: ["Umeuzia majirani", "{sold_wh} kwa {earned_cents}."],
    bought: ["Umenunua kwa majirani", "{bought_wh} kwa {paid_cents}."],
    order_matched: ["Agizo lako limepata mwenzake", "{wh} kwa {cents_per_kwh} kila kWh."],
    order_ended: ["Agizo lako limeisha", "{remaining_wh} haikupata mtu."],
    contract_sell: ["Umeuza mapema", "{wh} kwa {cents_per_kwh} kila kWh. Uwe nayo tayari."],
    contract_buy: ["Umenunua mapema", "{wh} kwa {cents_per_kwh} kila kWh."],
    outbid: ["Mwingine ametoa zaidi", "{cents_per_kwh} kila kWh. Pesa yako iko huru tena."],
    auction_sold: ["Mnada umeisha", "{wh} imeuzwa kwa {cents_per_kwh} kila kWh."],
    auction_unsold: ["Mnada umeisha", "Hakuna kilichouzwa."],
    meter_silent: ["Mita yako iko kimya", "Hakuna kipimo kilichofika. Inachohesabu sasa hakipotei."],
    suspended: ["Kaya yako imesimamishwa", "Ofisi inaweza kukueleza sababu."],
    readmitted: ["Kaya yako inafanya biashara tena", "Bei zako zinahesabika kuanzia kipindi kijacho."],
    recovered: ["Umeme wako uko kwenye kisanduku kipya", "{wh} iko hapo."],
    wallet_differs: ["Pochi yako inakaguliwa", "Mnyororo na vitabu vinatofautiana. Ofisi inaangalia."],
    allowance_lost: ["Kisanduku chako kiruhusu tena", "Hadi hapo {wh} pungufu inaweza kununuliwa."],
    other: ["Energy Swap", "Kuna habari kwenye programu."],
  },
};
const TRADE = ["order_matched", "order_ended", "contract_made", "outbid", "auction_ended", "period_settled"];
const MONEY = ["topped_up", "payment_failed", "paid_out", "payout_failed", "rewarded"];

function wordOf(told) {
  if (told.event === "period_settled") return told.earned_cents > 0 ? "sold" : "bought";
  if (told.event === "contract_made") return told.side === "sell" ? "contract_sell" : "contract_buy";
  if (told.event === "auction_ended") return told.cents_per_kwh === null ? "auction_unsold" : "auction_sold";
  return told.event in WORDS.en ? told.event : "other";
}

/** Cents as shillings, Wh as kWh. */
function amount(name, value) {
  return name.endsWith("wh") && !name.startsWith("cents") ? `${(value / 1000).toFixed(2)} kWh` : `KES ${(value / 100).toFixed(2)}`;
}

/** What is shown of `told`: the words, the page that it opens, and a tag by which the same message is shown once. */
self.noticeOf = function noticeOf(told, language) {
  const [title, text] = (WORDS[language] ?? WORDS.en)[wordOf(told)];
  const page = MONEY.includes(told.event) ? "money" : TRADE.includes(told.event) ? "trade" : "home";
  const body = text.replace(/\{(\w+)\}/g, (_whole, name) => amount(name, told[name] ?? 0));
  return { title, body, page, tag: told.tag, isQuiet: told.tag === "period" };
};
self.noticeWords = WORDS;
