package io.turnstile.pipeline.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.datapath.Field;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every row of {@link ActionKind}: what it says must be so. */
class ActionKindTest {
    private static final Match TCP = match("tcp");
    private static final Match MPLS = match("mpls");
    private static final Match NSH = match("dl_type=0x894f");

    private static Match contextOf(@Nullable Field written) {
        return switch (written) {
            case MPLS_LSE -> MPLS;
            case NSH_TTL -> NSH;
            case null, default -> TCP;
        };
    }

    private static Match match(String text) {
        try {
            return FlowText.parseMatch(text);
        } catch (FlowTextException e) {
            throw new AssertionError(e);
        }
    }

    /** As parsed; nat stands in ct alone. */
    private static OfAction parse(ActionKind kind, String text) throws FlowTextException {
        if (kind == ActionKind.NAT) {
            OfAction.Ct ct = (OfAction.Ct)
                    FlowText.parseActions("ct(commit," + text + ")").getFirst();
            return ct.exec().getFirst();
        }
        return FlowText.parseActions(text).getFirst();
    }

    private static Stream<OfAction> samples(ActionKind kind) {
        return ActionSamples.of(kind).stream().map(text -> {
            try {
                return parse(kind, text);
            } catch (FlowTextException e) {
                throw new AssertionError(text, e);
            }
        });
    }

    @Test
    void everyActionHasItsOwnRow() {
        Set<Class<?>> types =
                Arrays.stream(ActionKind.values()).map(ActionKind::type).collect(Collectors.toSet());
        assertThat(types)
                .hasSameSizeAs(ActionKind.values())
                .containsExactlyInAnyOrder(OfAction.class.getPermittedSubclasses());
    }

    @ParameterizedTest
    @EnumSource(ActionKind.class)
    void whatIsPrintedReadsBackAsTheSameKind(ActionKind kind) throws FlowTextException {
        assertThat(ActionSamples.of(kind)).isNotEmpty();
        for (String text : ActionSamples.of(kind)) {
            OfAction action = parse(kind, text);
            assertThat(action.kind()).isEqualTo(kind);
            assertThat(action).isInstanceOf(kind.type());
            assertThat(FlowText.format(List.of(action), TCP)).isEqualTo(text);
            if (kind.withoutArguments() != null) {
                assertThat(action).isEqualTo(kind.withoutArguments());
            }
        }
    }

    /** What is looked for in a list of actions is looked for in those inside of others too. */
    @Test
    void whatHasActionsInItNamesThem() {
        for (Class<?> type : OfAction.class.getPermittedSubclasses()) {
            boolean holds = Arrays.stream(type.getRecordComponents())
                    .anyMatch(component -> component
                            .getGenericType()
                            .getTypeName()
                            .contains("List<" + OfAction.class.getName() + ">"));
            boolean overrides = Arrays.stream(type.getDeclaredMethods())
                    .anyMatch(method -> method.getName().equals("nested"));
            assertThat(overrides).as(type.getSimpleName()).isEqualTo(holds);
        }
    }

    /** An unsupported name that is an action's too would never be refused. */
    @Test
    void noNameIsBothSupportedAndNot() {
        Set<String> names = new HashSet<>();
        for (ActionKind kind : ActionKind.values()) {
            kind.keywords()
                    .forEach(keyword ->
                            assertThat(names.add(keyword)).as(keyword).isTrue());
        }
        for (UnsupportedAction action : UnsupportedAction.values()) {
            assertThat(names.add(action.label())).as(action.label()).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(UnsupportedAction.class)
    void whatIsUnsupportedIsRefusedByName(UnsupportedAction action) {
        assertThatThrownBy(() -> FlowText.parseActions(action.label() + ":1"))
                .hasMessage("action " + action.label() + " is not supported");
    }

    @ParameterizedTest
    @EnumSource(ActionKind.class)
    void formsFitTheWire(ActionKind kind) {
        for (ActionForm form : kind.forms()) {
            assertThat(form.sizeBytes()).as(form.toString()).isPositive().matches(bytes -> bytes % 8 == 0);
            assertThat(form.firstVersion()).as(form.toString()).isLessThanOrEqualTo(form.lastVersion());
        }
    }

    @ParameterizedTest
    @EnumSource(ActionKind.class)
    void checkTakesTheSamples(ActionKind kind) throws OfException {
        for (OfAction action : samples(kind).toList()) {
            if (kind == ActionKind.NAT) {
                assertThatThrownBy(() -> ActionCheck.check(List.of(action), TCP, 0))
                        .isInstanceOf(OfException.class);
            } else {
                ActionCheck.check(List.of(action), TCP, 0);
                ActionCheck.checkStrictly(List.of(action), contextOf(kind.written(action)), 0);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(ActionKind.class)
    void actionSetTakesWhatHasAPlaceThere(ActionKind kind) {
        samples(kind).forEach(action -> {
            OfErrorCode refusal = null;
            try {
                ActionCheck.check(List.of(new OfAction.WriteActions(List.of(action))), TCP, FlowMod.ALL_TABLES);
            } catch (OfException refused) {
                refusal = refused.code();
            }
            // Of what goes to controllers, a plain output alone.
            boolean out = kind.setPlace() == SetPlace.NONE
                    || action instanceof OfAction.Controller controller && !controller.isPlain();
            assertThat(refusal).isEqualTo(out ? OfErrorCode.OFPBAC_BAD_TYPE : null);
        });
    }

    @ParameterizedTest
    @EnumSource(ActionKind.class)
    void onlyWhatIsAppliedStandsInASet(ActionKind kind) {
        boolean applied = kind.instruction() == Instruction.APPLY_ACTIONS;
        assertThat(applied || kind.setPlace() == SetPlace.NONE).isTrue();
        assertThat(applied || !kind.mayNestInCt()).isTrue();
        assertThat(applied || kind == ActionKind.WRITE_METADATA || kind.forms().isEmpty())
                .isTrue();
    }

    @ParameterizedTest
    @EnumSource(ActionKind.class)
    void whatChangesTheTagWritesIt(ActionKind kind) {
        samples(kind)
                .filter(action -> kind.tagChange(action) != TagChange.NONE)
                .forEach(action -> assertThat(kind.written(action)).isEqualTo(Field.VLAN_TCI));
    }

    /** Every instruction is some action's own, but for the meter, which later versions have as an action. */
    @Test
    void everyInstructionIsReached() {
        Set<Instruction> reached =
                Arrays.stream(ActionKind.values()).map(ActionKind::instruction).collect(Collectors.toSet());
        assertThat(Instruction.values())
                .filteredOn(instruction -> !reached.contains(instruction))
                .containsExactly(Instruction.METER);
    }

    @Test
    void rowWithSomethingLeftOpenIsRefused() {
        ActionRow<OfAction.Exit> row =
                ActionRow.bare("exit", new OfAction.Exit()).wire();
        assertThatThrownBy(row::complete).hasMessage("places");
        row.standsIn(Instruction.APPLY_ACTIONS, SetPlace.NONE);
        assertThatThrownBy(row::complete).hasMessage("check");
        row.isAlwaysPossible();
        assertThatThrownBy(row::complete).hasMessage("effect");
        row.writesNothing();
        assertThatThrownBy(row::complete).hasMessage("destination");
        assertThat(row.outputsNowhere().complete()).isSameAs(row);
    }

    @Test
    void setPlacesStandInTheOrderOfTheSpecification() {
        assertThat(SetPlace.values())
                .extracting(SetPlace::rule)
                .isSortedAccordingTo(Comparator.comparingInt(rule -> switch (rule) {
                    case REFUSED -> 0;
                    case LAST_OF_ITS_PLACE -> 1;
                    case ALL_AS_WRITTEN -> 2;
                    case IGNORED -> 3;
                    case WAY_OUT -> 4;
                }));
    }
}
