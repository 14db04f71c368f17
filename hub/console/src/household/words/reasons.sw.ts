// Why a payment failed, in Swahili, by the English sentence that the hub keeps with it.

export const swReasons: Record<string, string> = {
  "There is not enough money on the phone.": "Hakuna pesa za kutosha kwenye simu.",
  "The amount is below M-Pesa's minimum.": "Kiasi ni chini ya kiwango cha chini cha M-Pesa.",
  "The amount is above M-Pesa's maximum.": "Kiasi ni juu ya kiwango cha juu cha M-Pesa.",
  "The phone has reached its daily M-Pesa limit.": "Simu imefikia kikomo chake cha M-Pesa cha siku.",
  "The same amount was asked for less than two minutes ago. Try again in two minutes.": "Kiasi hicho hicho kiliombwa chini ya dakika mbili zilizopita. Jaribu tena baada ya dakika mbili.",
  "M-Pesa is busy. Try again in a few minutes.": "M-Pesa ina shughuli nyingi. Jaribu tena baada ya dakika chache.",
  "The phone is busy with another M-Pesa request. Try again in a minute.": "Simu ina ombi lingine la M-Pesa. Jaribu tena baada ya dakika moja.",
  "The request expired. Try again.": "Muda wa ombi umeisha. Jaribu tena.",
  "The request could not be sent to the phone. Try again later.": "Ombi halikuweza kutumwa kwa simu. Jaribu tena baadaye.",
  "The request was cancelled on the phone.": "Ombi lilikataliwa kwenye simu.",
  "There was no answer from the phone. Switch it on and try again.": "Simu haikujibu. Iwashe ujaribu tena.",
  "The M-Pesa PIN was wrong.": "PIN ya M-Pesa haikuwa sahihi.",
  "The M-Pesa PIN is locked. Call Safaricom.": "PIN ya M-Pesa imefungwa. Pigia Safaricom.",
  "The phone's M-Pesa account is full.": "Akaunti ya M-Pesa ya simu imejaa.",
  "The phone is not registered with M-Pesa.": "Simu haijasajiliwa na M-Pesa.",
  "It was not paid in time.": "Haikulipwa kwa wakati.",
  "M-Pesa did not say.": "M-Pesa haikusema.",
  "M-Pesa does not know this phone number.": "M-Pesa haiijui nambari hii ya simu.",
};
