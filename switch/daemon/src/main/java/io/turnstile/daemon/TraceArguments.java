package io.turnstile.daemon;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.FlagNames;
import java.util.ArrayList;
import java.util.List;

/**
 * Arguments of {@code ofproto/trace}: options may stand anywhere.
 *
 * @param named all that are not options
 * @param ctStates {@code --ct-next}, in their order
 */
record TraceArguments(List<String> named, List<Integer> ctStates) {
    private static final int MAX_NAMED = 3;

    /** @throws BadTrace in the words of Open vSwitch */
    static TraceArguments parse(List<String> arguments) throws BadTrace {
        List<String> named = new ArrayList<>();
        List<Integer> states = new ArrayList<>();
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            if (argument.equals("--ct-next")) {
                if (++i == arguments.size()) {
                    throw new BadTrace("Missing argument for option --ct-next");
                }
                states.add(ctState(arguments.get(i)));
            } else if (argument.startsWith("-")) {
                throw new BadTrace(argument + ": unknown option");
            } else if (named.size() == MAX_NAMED) {
                throw new BadTrace("too many arguments");
            } else {
                named.add(argument);
            }
        }
        return new TraceArguments(List.copyOf(named), List.copyOf(states));
    }

    private static int ctState(String text) throws BadTrace {
        int state = 0;
        for (String flag : text.split("[, ]+")) {
            long bit = FlagNames.CT_STATE.bit(flag);
            if (bit == 0 && !flag.isEmpty()) {
                throw new BadTrace(flag + ": unknown connection tracking state flag");
            }
            state |= (int) bit;
        }
        checkPossible(state);
        return state;
    }

    /** ovs-fields(7), ct_state: which flags go together. */
    private static void checkPossible(int state) throws BadTrace {
        StringBuilder faults = new StringBuilder();
        String begin = FlagNames.CT_STATE.set(state, "") + ": invalid connection state: ";
        if (state != 0 && (state & CtState.TRK) == 0) {
            faults.append(begin).append("If \"trk\" is unset, no other flags are set\n");
        }
        if ((state & CtState.INV) != 0 && (state & ~(CtState.TRK | CtState.INV)) != 0) {
            faults.append(begin).append("when \"inv\" is set, only \"trk\" may also be set\n");
        }
        if ((state & CtState.NEW) != 0 && (state & CtState.EST) != 0) {
            faults.append(begin).append("\"new\" and \"est\" are mutually exclusive\n");
        }
        if ((state & CtState.NEW) != 0 && (state & CtState.RPL) != 0) {
            faults.append(begin).append("\"new\" and \"rpy\" are mutually exclusive\n");
        }
        if (!faults.isEmpty()) {
            throw new BadTrace(faults.toString());
        }
    }

    /** Arguments that cannot be read; the message is the command's answer. */
    static final class BadTrace extends Exception {
        private static final long serialVersionUID = 1L;

        BadTrace(String message) {
            super(message);
        }
    }
}
