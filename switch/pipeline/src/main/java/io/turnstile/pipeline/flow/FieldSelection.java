package io.turnstile.pipeline.flow;

/**
 * Bits of a field by which flows are told apart: {@code NXM_OF_IN_PORT[]} or {@code NXM_OF_VLAN_TCI[0..11]}.
 *
 * @param offsetBits in the field's own numbering
 */
public record FieldSelection(MatchField field, int offsetBits, int widthBits) {

    /** Reads it as ovs-vswitchd.conf.db(5) writes the groups of a Flow_Table. */
    public static FieldSelection parse(String text) throws FlowTextException {
        SubFieldText.Parsed parsed = SubFieldText.parse(text);
        return new FieldSelection(parsed.field(), parsed.offsetBits(), parsed.widthBits());
    }

    /** What the flow matches on in these bits; 0 where it does not, or the field would make no sense. */
    public Bits of(Match match) {
        if (!field.prerequisite().isMet(match::value, match::mask)) {
            return new Bits(0, 0);
        }
        return new Bits(match.valueHigh(field.field()), match.value(field.field()))
                .shiftedRight(field.offsetBits() + offsetBits)
                .and(Bits.ones(widthBits));
    }
}
