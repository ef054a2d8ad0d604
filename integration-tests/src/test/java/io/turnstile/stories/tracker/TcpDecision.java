package io.turnstile.stories.tracker;

import java.util.Set;

/**
 * The points of decision 21: for which packet in which state the two switches differ, what either then says of it, and
 * whether the connection stays as it was in Turnstile.
 */
enum TcpDecision {
    /** RST and FIN of no connection. */
    BEGINS_NOTHING(true, "new inv") {
        @Override
        boolean isAbout(TcpSituation packet) {
            return packet.states().isEmpty() && packet.isOf("R", "F");
        }
    },
    /** {@code ct(commit,force)} with what may begin nothing, impossible flags too. */
    FORCES_NOTHING(false, "new est", "inv est", "new inv", "inv inv") {
        @Override
        boolean isAbout(TcpSituation packet) {
            return packet.isForced() && packet.fromReplySide() && packet.isOf("R", "F", "SA", "");
        }
    },
    /** A SYN in a live connection. */
    LIVE_SYN(true, "inv est", "est est") {
        @Override
        boolean isAbout(TcpSituation packet) {
            return packet.isOf("S") && packet.hasStates() && !packet.isSenderAtBeginning();
        }
    },
    /** A reset of the client before anybody has answered. */
    RESET_OF_ASKER(true, "est est", "inv est", "est inv") {
        @Override
        boolean isAbout(TcpSituation packet) {
            return packet.isUnanswered() && !packet.fromReplySide() && packet.isOf("R");
        }
    },
    /** A reset that does not acknowledge the SYN. */
    REFUSAL(true, "est inv") {
        @Override
        boolean isAbout(TcpSituation packet) {
            return packet.isUnanswered() && packet.fromReplySide() && packet.isOf("R");
        }
    },
    /** What comes back to a SYN and acknowledges another. */
    NO_ANSWER(true, "est est") {
        @Override
        boolean isAbout(TcpSituation packet) {
            boolean nothingCameBack = packet.isUnanswered() || packet.isEndedUnanswered();
            return nothingCameBack && packet.fromReplySide() && packet.isOf("SA", "A", "F");
        }
    },
    /** An acknowledgement of the client before anybody has answered. */
    ASKER(false, "est est", "inv est") {
        @Override
        boolean isAbout(TcpSituation packet) {
            return packet.isUnanswered() && !packet.fromReplySide() && packet.isOf("A");
        }
    },
    /** A SYN of a side that nobody has answered: its scale shows, its number does not. */
    FIRST_SYN(false, "new new") {
        @Override
        boolean isAbout(TcpSituation packet) {
            return packet.isOf("S") && packet.hasStates() && packet.isSenderAtBeginning();
        }
    },
    /** Beside the window, or an answer with another number. */
    BESIDE_THE_WINDOW(false, "inv est") {
        @Override
        boolean isAbout(TcpSituation packet) {
            return packet.hasStates() && packet.isOf("A", "F", "SA", "R");
        }
    },
    /** Whatever is measured, behind a SYN or an acknowledgement of which only one of the two has taken the numbers. */
    OTHER_NUMBERS(false, "inv est", "est inv", "est est") {
        @Override
        boolean isAbout(TcpSituation packet) {
            return packet.numbersDiffer();
        }
    };

    /** Turnstile's line of the connection is the same before and after. */
    final boolean changesNothing;

    private final Set<String> verdicts;

    TcpDecision(boolean changesNothing, String... verdicts) {
        this.changesNothing = changesNothing;
        this.verdicts = Set.of(verdicts);
    }

    abstract boolean isAbout(TcpSituation packet);

    /** Whether it foresees these two words for the packet, Open vSwitch's first. */
    boolean foresees(String theirs, String ours) {
        return verdicts.contains(theirs + " " + ours);
    }
}
