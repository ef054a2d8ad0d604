package io.turnstile.datapath;

/**
 * One band of a meter (OpenFlow 1.3.5 §5.7.1): what is done with packets beyond its rate.
 *
 * @param rate kilobits, or packets, a second; unsigned
 * @param burst kilobits, or packets, that may come at once; 0: what comes in a second; unsigned
 * @param precedenceLevels DSCP_REMARK: by how much the drop precedence grows
 */
public record MeterBand(Type type, int rate, int burst, int precedenceLevels) {

    /** What a band does (OFPMBT_*). */
    public enum Type {
        DROP(1),
        /** Makes the drop precedence of assured forwarding greater (RFC 2597); other classes have none. */
        DSCP_REMARK(2);

        private final int number;

        Type(int number) {
            this.number = number;
        }

        /** The number on the wire. */
        public int number() {
            return number;
        }
    }
}
