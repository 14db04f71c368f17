// Why the hub refuses something, in Swahili.
import type { enRefusals } from "./refusals.en.js";

export const swRefusals: Record<keyof typeof enRefusals, string> = {
  "refused.auction_has_bid": "Jirani ametoa bei: mnada hauwezi kuondolewa tena.",
  "refused.auction_over": "Mnada huu umekwisha.",
  "refused.bid_too_low": "{price} ni ndogo mno: toa {minimum} kwa kWh au zaidi.",
  "refused.consumers_only_buy": "Nyumba yako inaweza kununua tu: haina paneli zilizosajiliwa. Ofisi hubadilisha hilo paneli zikiwepo.",
  "refused.gate_closed": "Maagizo ya wakati huu yamefungwa. Chagua wakati wa baadaye.",
  "refused.no_such_auction": "Hakuna mnada kama huo.",
  "refused.no_such_order": "Nyumba yako haina agizo kama hilo.",
  "refused.nothing_offered": "Hakuna anayekuuzia kwa {limit} au chini sasa. Lipa zaidi, au acha agizo kutoka pochi yako lisubiri.",
  "refused.order_awaits_chain": "Agizo hili linaandikwa sasa hivi. Jaribu tena baada ya muda mfupi.",
  "refused.order_awaits_payment": "Agizo hili linasubiri malipo yako: kataa ombi kwenye simu yako, au liache lipite.",
  "refused.order_binding": "Agizo hili haliwezi kuondolewa tena. Litakamilishwa wakati wake ukiisha.",
  "refused.order_not_open": "Agizo hili haliko wazi tena: limetimizwa, limeondolewa, au muda wake umepita.",
  "refused.order_reserved": "Jirani analipia agizo hili kwa M-Pesa sasa hivi. Baada ya dakika chache litakuwa limeuzwa, au wazi tena.",
  "refused.own_auction": "Huu ni mnada wako mwenyewe: ni majirani tu wanaoweza kutoa bei.",
  "refused.payment_under_way": "Kuna malipo yanayoendelea: yajibu kwenye simu yako, au subiri yaishe.",
  "refused.payments_not_allowed": "Jumuiya yako bado hairuhusiwi kusogeza pesa halisi: ofisi yake iandike kwanza inafanya hivyo kwa sheria gani.",
  "refused.payments_not_set_up": "Jumuiya yako bado haijaweka M-Pesa. Uliza ofisi yake.",
  "refused.payout_too_small": "M-Pesa hulipa {least} au zaidi; hii ingekuwa {kes}.",
  "refused.phone_daily_limit": "Simu huhamisha {most} kwa siku, si zaidi. Hii imehamisha {moved} leo, na hii ingekuwa {more} zaidi.",
  "refused.sells_or_buys": "Kwa wakati mmoja nyumba yako huuza au hununua. Ondoa kwanza maagizo yake mengine ya wakati huo, au chagua wakati mwingine.",
  "refused.too_few_tokens": "Una {have} za kuuza na hii inahitaji {need}. Uza kidogo zaidi, au subiri paneli zako zizalishe zaidi.",
  "refused.too_little_money": "Una {have} zilizo huru na hii inahitaji {need} pamoja na ada. Weka pesa kwanza, au omba kidogo zaidi.",
};
