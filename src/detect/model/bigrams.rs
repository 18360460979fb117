//! How often one letter follows another in English words and identifiers, as a digit: 4 is what chance gives, each step
//! of 1.5 doubles it. Counted once over licence texts and documentation; the prefilter and the generic model share it.

/// Row: first letter. Column: second letter.
static FOLLOWS: [&[u8; 26]; 26] = [
    b"04540130402657040757321020",
    b"62327010630721620552600030",
    b"60306006405520810436400010",
    b"62238110800421510452400010",
    b"41563320200547130765021410",
    b"50226600800510710644500020",
    b"50208134600435510653500000",
    b"80018000700333700424400030",
    b"44544340001548630466030103",
    b"71437100502222740241701000",
    b"60128113701424610463403020",
    b"71138100700610610044410050",
    b"84028000600240660041400010",
    b"60566370502203510067320010",
    b"13451230202558450754533000",
    b"70217004500601650735400030",
    b"11110000300302010435921000",
    b"71338130702343620355310030",
    b"40507105602321540168501030",
    b"60318105700320620654301030",
    b"45435230401657140666000000",
    b"80209010700121510021000000",
    b"80437105700315610551001000",
    b"52636302600330370147000430",
    b"63335230501456470475312011",
    b"71009003700331500021300034",
];

/// 0 (never) to 9 (very often); 4 by chance. Letters of either case; `None` for anything else.
pub(in crate::detect) fn follows(first: u8, second: u8) -> Option<u8> {
    let index = |byte: u8| byte.is_ascii_alphabetic().then(|| usize::from(byte.to_ascii_lowercase() - b'a'));
    let row = FOLLOWS.get(index(first)?)?;
    row.get(index(second)?).map(|digit| digit - b'0')
}
