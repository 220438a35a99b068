import asyncio, json, os
import pytest
from tests.conftest import Player, on_one_database
from tests.console.conftest import Office
from tests.console.test_handler import a_line
from hotline.console import rendering
pytestmark = [pytest.mark.timeout(4000), on_one_database]

async def test_dev(office: Office, desk: Player, watch: Player) -> None:
    a = await desk.call("12栋1单元电梯困人了，里面有娃儿在哭", caller={"phone": "13900139000"})
    b = await desk.call("3栋2单元电梯坏了，一直停在5楼不动", caller={"phone": "13800001111", "name": "刘婆婆"}, category="dt-fault")
    c = await desk.call("5栋1单元电梯坏了，按了没反应", category="dt-fault")
    rendering._ENVIRONMENT.auto_reload = True
    with open("/tmp/h17.json", "w") as f:
        json.dump({"address": office.address, "key": desk.http.headers["authorization"], "a": a, "b": b, "c": c}, f)
    while not os.path.exists("/tmp/h17.stop"):
        rendering.static_files.cache_clear(); rendering.static_version.cache_clear()
        await asyncio.sleep(3)
