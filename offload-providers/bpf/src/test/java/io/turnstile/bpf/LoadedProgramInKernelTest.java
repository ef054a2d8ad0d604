package io.turnstile.bpf;

import static io.turnstile.bpf.asm.Register.R0;
import static io.turnstile.bpf.asm.Register.R1;
import static io.turnstile.bpf.asm.Register.R10;
import static io.turnstile.bpf.asm.Register.R2;
import static io.turnstile.bpf.asm.Register.R3;
import static io.turnstile.bpf.asm.Register.R4;
import static io.turnstile.bpf.asm.Register.R5;
import static io.turnstile.bpf.asm.Register.R6;
import static io.turnstile.bpf.asm.Register.R7;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.turnstile.bpf.asm.AluOp;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.AtomicOp;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Helper;
import io.turnstile.bpf.asm.HelperFlags;
import io.turnstile.bpf.asm.Program;
import io.turnstile.bpf.asm.Size;
import io.turnstile.bpf.asm.SkBuff;
import io.turnstile.bpf.asm.TcxAction;
import io.turnstile.bpf.asm.XdpAction;
import io.turnstile.bpf.asm.XdpMd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Programs that the kernel of this machine verifies and runs over frames, without a device. */
@Tag("system")
class LoadedProgramInKernelTest {
    private static final String LICENSE = "Apache-2.0";
    private static final int IP = 14;
    private static final int IP_CHECKSUM = IP + 10;
    private static final int IP_DESTINATION = IP + 16;
    private static final int UDP = IP + 20;
    private static final int UDP_CHECKSUM = UDP + 6;

    private static LoadedProgram tc(Program program) throws BpfException {
        return LoadedProgram.load(ProgramType.TC, "test", LICENSE, program);
    }

    /** A UDP datagram 10.0.0.1:1000 to 10.0.0.2:2000 with right checksums. */
    private static byte[] datagram() {
        byte[] frame = HexFormat.of()
                .parseHex("020000000002" + "020000000001" + "0800" // Ethernet
                        + "4500002400004000401100000a0000010a000002" // IPv4
                        + "03e807d000100000" // UDP
                        + "7475726e7374696c");
        ByteBuffer bytes = ByteBuffer.wrap(frame);
        bytes.putShort(IP_CHECKSUM, Checksum.ofHeader(frame, IP));
        bytes.putShort(UDP_CHECKSUM, Checksum.ofDatagram(frame, IP, UDP));
        return frame;
    }

    @Test
    void aProgramRewritesAMacAndAnAddressWithItsChecksums() throws BpfException {
        final int newMacHigh = 0x02aabbcc;
        final int newAddress = 0xc0a80107;
        Program program = new Assembler()
                .mov(R6, R1)
                .comment("the new destination MAC, as it goes over the wire")
                .store(Size.U32, R10, -8, Integer.toUnsignedLong(Integer.reverseBytes(newMacHigh)))
                .store(Size.U16, R10, -4, Short.toUnsignedInt(Short.reverseBytes((short) 0xddee)))
                .mov(R2, 0)
                .mov(R3, R10)
                .alu(AluOp.ADD, R3, -8)
                .mov(R4, 6)
                .mov(R5, 0)
                .call(Helper.SKB_STORE_BYTES)
                .jump(Condition.NE, R0, 0, "drop")
                .comment("the old address")
                .mov(R1, R6)
                .mov(R2, IP_DESTINATION)
                .mov(R3, R10)
                .alu(AluOp.ADD, R3, -4)
                .mov(R4, 4)
                .call(Helper.SKB_LOAD_BYTES)
                .jump(Condition.NE, R0, 0, "drop")
                .load(Size.U32, R7, R10, -4)
                .label("address")
                .mov(R1, R6)
                .mov(R2, UDP_CHECKSUM)
                .mov(R3, R7)
                .alu32(AluOp.MOV, R4, Integer.toUnsignedLong(Integer.reverseBytes(newAddress)))
                .mov(R5, HelperFlags.PSEUDO_HDR | HelperFlags.MARK_MANGLED_0 | 4)
                .call(Helper.L4_CSUM_REPLACE)
                .mov(R1, R6)
                .mov(R2, IP_CHECKSUM)
                .mov(R3, R7)
                .alu32(AluOp.MOV, R4, Integer.toUnsignedLong(Integer.reverseBytes(newAddress)))
                .mov(R5, 4)
                .call(Helper.L3_CSUM_REPLACE)
                .store(Size.U32, R10, -4, Integer.toUnsignedLong(Integer.reverseBytes(newAddress)))
                .mov(R1, R6)
                .mov(R2, IP_DESTINATION)
                .mov(R3, R10)
                .alu(AluOp.ADD, R3, -4)
                .mov(R4, 4)
                .mov(R5, HelperFlags.INVALIDATE_HASH)
                .call(Helper.SKB_STORE_BYTES)
                .mov(R0, TcxAction.PASS.code())
                .exit()
                .label("drop")
                .mov(R0, TcxAction.DROP.code())
                .exit()
                .assemble();
        byte[] before = datagram();

        TestRun run;
        try (LoadedProgram loaded = tc(program)) {
            run = loaded.testRun(before);
        }

        byte[] expected = before.clone();
        ByteBuffer bytes = ByteBuffer.wrap(expected);
        bytes.putInt(0, newMacHigh).putShort(4, (short) 0xddee);
        bytes.putInt(IP_DESTINATION, newAddress);
        bytes.putShort(IP_CHECKSUM, (short) 0).putShort(IP_CHECKSUM, Checksum.ofHeader(expected, IP));
        bytes.putShort(UDP_CHECKSUM, (short) 0).putShort(UDP_CHECKSUM, Checksum.ofDatagram(expected, IP, UDP));
        assertThat(run.result()).isEqualTo(TcxAction.PASS.code());
        assertThat(run.frame()).isEqualTo(expected);
        assertThat(run.context()).isEmpty();
    }

    @Test
    void aRefusedProgramBringsTheVerifiersLogWithItsOwnNamesInIt() {
        Program program = new Assembler()
                .mov(R0, 0)
                .label("lookup")
                .comment("forgot to ask for null")
                .load(Size.U64, R0, R0, 8)
                .exit()
                .assemble();

        BpfException refusal = catchThrowableOfType(BpfException.class, () -> tc(program));

        assertThat(refusal.is(Errno.EACCES)).isTrue();
        assertThat(refusal.getMessage().lines().findFirst())
                .hasValue("loading program test: EACCES (refused by the verifier or for lack of rights): "
                        + "R0 invalid mem access 'scalar', at instruction 1 (lookup: forgot to ask for null)");
        assertThat(refusal)
                .hasMessageContaining("lookup:\n    ; forgot to ask for null\n1: (79) r0 = *(u64 *)(r0 +8)\n");
        assertThat(refusal.verifierLog().orElseThrow().text()).contains("R0 invalid mem access 'scalar'");
    }

    @Test
    void aLogOfAnyLengthIsRead() {
        final int length = 5_000;
        Assembler assembler = new Assembler().mov(R6, 0);
        for (int i = 0; i < length; i++) {
            assembler.alu(AluOp.ADD, R6, 1);
        }
        Program program = assembler.label("end").load(Size.U8, R0, R6, 0).exit().assemble();

        BpfException refusal = catchThrowableOfType(BpfException.class, () -> tc(program));

        final int firstRoomBytes = 1 << 16;
        assertThat(refusal.verifierLog().orElseThrow().text()).hasSizeGreaterThan(firstRoomBytes);
        assertThat(refusal.verifierLog().orElseThrow().reason())
                .contains("invalid mem access")
                .endsWith("(end)");
    }

    @Test
    void aProgramForGplHelpersSaysSo() {
        Program program = new Assembler()
                .mov(R2, R10)
                .alu(AluOp.ADD, R2, -64)
                .mov(R3, 64)
                .mov(R4, 0)
                .call(Helper.FIB_LOOKUP)
                .exit()
                .assemble();

        assertThat(catchThrowableOfType(BpfException.class, () -> tc(program)))
                .hasMessageContaining("cannot call GPL-restricted function from non-GPL compatible program");
    }

    @Test
    void theContextGoesInAndComesOut() throws BpfException {
        Program program = new Assembler()
                .load(Size.U32, R2, R1, SkBuff.MARK.offset())
                .alu(AluOp.ADD, R2, 1)
                .store(Size.U32, R1, SkBuff.MARK.offset(), R2)
                .load(Size.U32, R0, R1, SkBuff.LEN.offset())
                .exit()
                .assemble();
        byte[] context = new byte[SkBuff.SIZE_BYTES];
        ByteBuffer.wrap(context).order(ByteOrder.nativeOrder()).putInt(SkBuff.MARK.offset(), 41);

        try (LoadedProgram loaded = tc(program)) {
            TestRun run = loaded.testRun(datagram(), context, 1);

            assertThat(run.result()).isEqualTo(datagram().length);
            assertThat(ByteBuffer.wrap(run.context())
                            .order(ByteOrder.nativeOrder())
                            .getInt(SkBuff.MARK.offset()))
                    .isEqualTo(42);
        }
    }

    @Test
    void aMapIsSharedWithTheProgram() throws BpfException {
        MapDefinition definition = MapDefinition.of("counts", MapType.PERCPU_HASH, 4, 8, 10);
        try (BpfMap map = BpfMap.create(definition);
                Arena arena = Arena.ofConfined()) {
            Program program = new Assembler()
                    .store(Size.U32, R10, -4, 17)
                    .loadMap(R1, map.fd())
                    .mov(R2, R10)
                    .alu(AluOp.ADD, R2, -4)
                    .call(Helper.MAP_LOOKUP_ELEM)
                    .jump(Condition.EQ, R0, 0, "miss")
                    .mov(R1, 1)
                    .atomic(AtomicOp.ADD, Size.U64, R0, 0, R1)
                    .mov(R0, 1)
                    .exit()
                    .label("miss")
                    .mov(R0, 0)
                    .exit()
                    .assemble();
            MemorySegment key = Native.ints(arena, 17);
            MemorySegment value = arena.allocate(definition.entryBytes(), 8);
            try (LoadedProgram loaded = tc(program)) {
                assertThat(loaded.testRun(datagram()).result()).isZero();
                map.update(key, value, UpdateMode.NEW);

                assertThat(loaded.testRun(datagram(), new byte[0], 1_000).result())
                        .isOne();

                map.lookup(key, value);
                assertThat(Native.sum(value)).isEqualTo(1_000);
            }
        }
    }

    @Test
    void anXdpProgramDropsWhatIsTooShort() throws BpfException {
        Program program = new Assembler()
                .load(Size.U32, R2, R1, XdpMd.DATA.offset())
                .load(Size.U32, R3, R1, XdpMd.DATA_END.offset())
                .alu(AluOp.ADD, R2, 40)
                .mov(R0, XdpAction.DROP.code())
                .jump(Condition.GT, R2, R3, "out")
                .mov(R0, XdpAction.TX.code())
                .label("out")
                .exit()
                .assemble();
        try (LoadedProgram loaded = LoadedProgram.load(ProgramType.XDP, "test", LICENSE, program)) {
            assertThat(loaded.testRun(new byte[39]).result()).isEqualTo(XdpAction.DROP.code());
            assertThat(loaded.testRun(new byte[40]).result()).isEqualTo(XdpAction.TX.code());
        }
    }

    @Test
    void anXdpProgramRedirectsToTheDeviceInAMap() throws BpfException {
        final int loopback = 1;
        try (BpfMap devices = BpfMap.create(MapDefinition.of("devices", MapType.DEVMAP_HASH, 4, 4, 8));
                Arena arena = Arena.ofConfined()) {
            devices.update(Native.ints(arena, 77), Native.ints(arena, loopback), UpdateMode.NEW);
            Program program = new Assembler()
                    .loadMap(R1, devices.fd())
                    .mov(R2, 77)
                    .comment("what it returns if the map has no such device")
                    .mov(R3, XdpAction.DROP.code())
                    .call(Helper.REDIRECT_MAP)
                    .exit()
                    .assemble();
            try (LoadedProgram loaded = LoadedProgram.load(ProgramType.XDP, "test", LICENSE, program)) {
                assertThat(loaded.testRun(datagram()).result()).isEqualTo(XdpAction.REDIRECT.code());

                devices.delete(Native.ints(arena, 77));
                assertThat(loaded.testRun(datagram()).result()).isEqualTo(XdpAction.DROP.code());
            }
        }
    }

    @Test
    void aFunctionOfTheProgramIsCalled() throws BpfException {
        Program program = new Assembler()
                .mov(R1, 20)
                .callFunction("double")
                .alu(AluOp.ADD, R0, 2)
                .exit()
                .label("double")
                .mov(R0, R1)
                .alu(AluOp.MUL, R0, 2)
                .exit()
                .assemble();
        try (LoadedProgram loaded = tc(program)) {
            assertThat(loaded.testRun(datagram()).result()).isEqualTo(42);
        }
    }

    @Test
    void theKernelKnowsTheProgram() throws BpfException {
        Program program = new Assembler().mov(R0, 0).exit().assemble();
        try (LoadedProgram loaded = tc(program);
                LoadedProgram other = tc(program)) {
            ProgramInfo info = loaded.info();
            assertThat(info.type()).isEqualTo(3);
            assertThat(info.translatedBytes()).isEqualTo(program.bytes().length);
            assertThat(info.machineCodeBytes()).isNotNegative();
            assertThat(info.id()).isNotEqualTo(other.info().id());
        }
    }
}
