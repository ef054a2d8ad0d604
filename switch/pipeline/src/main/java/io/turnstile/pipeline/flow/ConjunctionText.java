package io.turnstile.pipeline.flow;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The text of {@code conjunction(id,k/n)}, and which other actions it bears beside it. */
final class ConjunctionText {
    private static final Pattern SYNTAX =
            Pattern.compile("\\s*(-?(?:0[xX][0-9a-fA-F]+|[0-9]+))\\s*,\\s*([0-9]+)\\s*/\\s*([0-9]+)\\s*");

    private ConjunctionText() {}

    static OfAction.Conjunction read(String value) throws FlowTextException {
        Matcher parts = SYNTAX.matcher(value);
        if (!parts.matches()) {
            throw new FlowTextException("\"conjunction\" syntax is \"conjunction(id,i/n)\"");
        }
        int id = (int) Numbers.parse64(parts.group(1));
        int clause = (int) Numbers.parse("clause", parts.group(2), 255);
        int clauses = (int) Numbers.parse("number of clauses", parts.group(3), 255);
        require(clauses >= OfAction.Conjunction.FEWEST_CLAUSES, "conjunction must have at least 2 clauses");
        require(clauses <= OfAction.Conjunction.MOST_CLAUSES, "conjunction must have at most 64 clauses");
        require(clause >= 1, "clause index must be positive");
        require(clause <= clauses, "clause index must be less than or equal to number of clauses");
        return new OfAction.Conjunction(id, clause - 1, clauses);
    }

    private static void require(boolean right, String fault) throws FlowTextException {
        if (!right) {
            throw new FlowTextException(fault);
        }
    }

    static String print(OfAction.Conjunction a) {
        return "conjunction(" + Integer.toUnsignedString(a.id()) + "," + (a.clause() + 1) + "/" + a.clauses() + ")";
    }

    /** A flow that is a clause does nothing itself, and so has no other actions. */
    static void check(List<OfAction> actions) throws FlowTextException {
        OfAction other = ActionCheck.besideConjunctions(actions);
        if (other != null) {
            throw new FlowTextException("\"conjunction\" actions may be used along with \"note\" but not any other kind"
                    + " of action (such as the \"" + other.kind().label() + "\" action used here)");
        }
    }
}
