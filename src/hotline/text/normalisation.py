"""One shadow form for matching and searching: invisible marks and control characters gone, width and case folded,
traditional to simplified, numerals to digits.

The text people wrote is never changed; only its shadow is looked at. Nothing here takes more than linear time.
"""

import re
import unicodedata
from functools import lru_cache
from operator import add

# Common traditional characters and their simplified forms, pairwise. The rest of the script passes through unchanged.
_PAIRS = (
    "電电話话訊讯號号碼码戶户門门問问題题開开關关間间閉闭閘闸聞闻閃闪閱阅樓楼層层單单場场車车輛辆軌轨轉转輕轻載载輸输"
    "燈灯煙烟燒烧熱热爐炉災灾煤煤氣气漏漏險险陽阳陰阴隊队際际陳陈陸陆隨随難难離离雞鸡雜杂雲云電电靈灵靜静響响頂顶項项順顺須须"
    "預预頭头頻频題题顏颜願愿類类顧顾顯显風风飛飞飯饭飲饮飼饲餘余館馆馬马駐驻駕驾驗验騎骑騙骗驚惊體体髒脏鬆松鬧闹鬥斗鮮鲜鳥鸟"
    "麗丽麥麦黃黄點点黨党齊齐齒齿龍龙龜龟長长張张強强彈弹彎弯當当錄录後后從从復复徑径徵征應应懷怀態态憂忧憤愤懲惩懸悬戰战戲戏"
    "擊击擋挡據据擴扩擾扰攔拦攝摄敗败敘叙數数斷断時时晉晋曉晓暫暂書书會会東东條条來来業业極极構构槍枪樣样標标樹树橋桥機机權权歐欧"
    "歡欢歲岁歷历歸归殘残殺杀殼壳毀毁氈毡氫氢決决沒没況况洩泄涼凉淚泪淨净淺浅測测渾浑湧涌溝沟滅灭滯滞滾滚滿满漢汉漲涨潔洁潛潜潤润"
    "澆浇濃浓濕湿濟济濫滥灑洒灣湾為为無无燙烫爭争爺爷爾尔牆墙狀状獨独獎奖獲获現现瑪玛環环產产畝亩畢毕畫画異异療疗瘋疯癢痒發发"
    "盜盗盡尽監监盤盘眾众睜睁礙碍礦矿確确禮礼禍祸種种稱称穩稳積积窮穷竊窃競竞筆笔節节範范築筑簡简簽签籃篮籠笼糞粪糧粮紀纪約约紅红"
    "紋纹納纳純纯紙纸級级紛纷細细紹绍終终組组結结絕绝絲丝給给統统經经綁绑維维綠绿網网緊紧線线緩缓練练縣县縮缩總总績绩繁繁繞绕繩绳"
    "繼继續续罰罚罵骂羅罗義义習习聖圣聯联聲声職职聽听肅肃腦脑腫肿腳脚膠胶膽胆臉脸臟脏臨临臺台與与興兴舉举舊旧艙舱艱艰莊庄華华萬万"
    "葉叶葷荤蒼苍蓋盖蔣蒋薦荐藍蓝藝艺藥药蘇苏處处虛虚蟲虫蠟蜡術术衛卫衝冲補补裝装裡里製制複复褲裤襯衬襲袭見见規规視视覺觉觀观觸触"
    "訂订計计討讨訓训記记訟讼設设許许訴诉診诊詐诈評评詞词試试詢询該该詳详誇夸認认誌志誤误說说誰谁課课調调談谈請请諒谅論论諮咨證证"
    "譜谱識识警警譯译議议護护讀读變变讓让豐丰豬猪貓猫貝贝負负財财貢贡貧贫貨货販贩貪贪責责貴贵買买貸贷費费貼贴賀贺賊贼賓宾賞赏賠赔"
    "賣卖質质賭赌賴赖購购贈赠贊赞趕赶趙赵跡迹踐践躍跃軍军軟软較较輔辅輪轮辦办農农邊边達达遷迁過过運运違违遠远適适遲迟遺遗鄉乡鄰邻"
    "醫医釀酿釋释針针釣钓鈴铃鉛铅銀银銅铜銷销鋪铺鋼钢錢钱錯错鍋锅鍵键鎖锁鎮镇鏡镜鐘钟鐵铁鑰钥鑽钻閥阀陣阵階阶隱隐雖虽霧雾韓韩"
    "頸颈頒颁飄飘養养駁驳騰腾鬱郁鹽盐麼么齡龄歎叹併并佈布佔占係系侖仑倉仓個个們们倫伦偉伟側侧偵侦偷偷傑杰傘伞備备傳传債债傷伤傾倾"
    "僅仅僱雇價价儀仪億亿儘尽優优兒儿內内兩两冊册凍冻凱凯別别刪删則则剛刚創创劃划劇剧劉刘劍剑勁劲動动務务勝胜勞劳勢势勵励匯汇區区"
    "協协卻却厭厌廠厂廢废廣广廚厨廳厅參参雙双吳吴呂吕員员唄呗啓启啞哑喪丧喬乔營营嗎吗嗆呛嘆叹噴喷嚇吓嚴严囉啰國国圍围園园圓圆圖图"
    "團团執执堅坚報报塊块塗涂墊垫墜坠墮堕壓压壘垒壞坏壩坝壯壮壽寿夠够夢梦夥伙夾夹奪夺奧奥婦妇媽妈嬰婴孫孙學学寧宁寫写實实審审寬宽"
    "寶宝將将專专尋寻對对導导屆届屍尸屬属岡冈島岛峽峡幣币帥帅師师帳帐帶带幫帮幹干幾几庫库廁厕彙汇徹彻恆恒悶闷惡恶惱恼慘惨慣惯慮虑"
    "慶庆憑凭憲宪懶懒拋抛挾挟捨舍掃扫掛挂採采揀拣揚扬換换損损搖摇搶抢摟搂摔摔撈捞撐撑撥拨撲扑擁拥擇择擔担擠挤擬拟擺摆攤摊癱瘫碰碰"
    "棟栋櫃柜竄窜嘩哗擱搁攜携漬渍濺溅燜焖牆墙瓏珑畝亩癱瘫皺皱睏困碼码禿秃稅税窩窝籬篱縫缝纖纤罐罐聳耸腸肠膚肤蓆席蘆芦蚊蚊袜袜覆覆詭诡謊谎讒谗貌貌賬账踢踢蹤踪遛遛遙遥鄧邓醜丑鋸锯錘锤鍊链閒闲陰阴頓顿顛颠飆飙驢驴鬚须鴨鸭鵝鹅"
    "姦奸殲歼癌癌髮发裏里淹淹鬍胡紮扎纜缆纏缠壇坛墳坟溫温滲渗澱淀瀝沥瀉泻灘滩爛烂牽牵犧牺獸兽瘡疮皺皱盞盏礎础禦御蝕蚀"
    "燭烛沖冲暈晕斬斩嚨咙鷹鹰攬揽親亲喚唤擄掳毆殴屜屉癲癫癇痫鴆鸩嘔呕嚥咽鯁鲠膿脓臥卧瀾澜渦涡漿浆潰溃濁浊燬毁姪侄嬸婶釘钉鏟铲鎚锤鏈链鋁铝"
    "鉤钩鈎钩鎗枪鉗钳鏽锈銹锈頰颊顱颅顫颤飽饱餓饿餵喂饅馒駛驶騷骚驅驱驟骤魚鱼鯊鲨鱷鳄鷄鸡龐庞壺壶墻墙嶺岭巖岩崗岗廂厢廈厦廟庙恥耻憐怜懼惧"
    "戀恋捲卷掙挣揮挥搗捣撓挠撿捡擰拧攙搀攪搅敵敌斃毙晝昼曠旷柵栅桿杆棄弃楊杨槓杠樑梁樁桩欄栏櫥橱汙污淪沦溼湿滷卤漁渔潑泼濤涛瀕濒煉炼煩烦"
    "爍烁狹狭猶犹獅狮瑩莹甕瓮痙痉癒愈皰疱瞞瞒瞭了矯矫砲炮磚砖穢秽窯窑窺窥竅窍糾纠紗纱絆绊絞绞綿绵緝缉緻致縛缚縱纵繃绷罈坛罷罢翹翘聾聋脅胁"
    "脈脉脹胀膩腻臍脐蕩荡蘿萝虜虏蝦虾螞蚂蠍蝎襪袜覓觅誘诱謀谋謂谓謠谣豎竖軀躯軸轴輾辗轎轿轟轰辭辞遞递郵邮鈕钮鋒锋錶表鑿凿闆板闊阔闖闯隻只"
    "飢饥麵面齣出輩辈輝辉遊游鄭郑銳锐鋅锌錦锦鐮镰隸隶靂雳颱台颳刮鹼碱濱滨湯汤澗涧濘泞滬沪瀆渎涇泾嶼屿幀帧彿佛懇恳懺忏摺折撫抚撚捻攆撵攏拢"
    "斂敛榮荣櫻樱欽钦殯殡燉炖獵猎獻献瑣琐疊叠瘓痪瞇眯祕秘禱祷稜棱竈灶筍笋籤签絨绒緋绯縷缕繪绘纍累羣群羨羡脣唇艷艳蔔卜蔥葱蔭荫蕭萧薩萨虧亏"
    "螢萤衆众衹只覽览謝谢貞贞贏赢蹟迹軋轧輥辊轂毂輯辑邁迈鉅巨銜衔鋤锄錐锥鎬镐鏢镖鑼锣闌阑隕陨霑沾韌韧頗颇顴颧饞馋饋馈驀蓦骯肮鬢鬓鯉鲤鰻鳗"
    "鱔鳝鳳凤鴉鸦鴿鸽鵬鹏鶴鹤鹹咸黴霉鼴鼹齲龋嗚呜嘍喽嘯啸噁恶噸吨嚐尝囑嘱塵尘塢坞奮奋妝妆姍姗娛娱孿孪宮宫寢寝屢屡屨屦嶇岖彷仿悽凄愜惬慟恸"
    "憊惫懨恹伕夫侶侣俠侠倆俩倖幸倀伥偽伪僑侨僕仆僥侥儲储兇凶凜凛劊刽剎刹剝剥剷铲劑剂勛勋勸劝匱匮厲厉吶呐呎尺咼呙唸念啟启喲哟嗩唢嘜唛"
    "丟丢並并乾干亂乱亙亘亞亚佇伫侷局傖伧傢家傭佣傯偬儂侬儈侩儉俭儐傧儔俦儕侪償偿儷俪儸㑩儻傥儼俨兌兑兗兖冑胄冪幂剋克剴剀勣𪟝勳勋勻匀卹恤"
    "叢丛吒咤喫吃嗇啬嗶哔嘖啧嘗尝嘮唠嘰叽噓嘘噥哝噯嗳噹当嚀咛嚕噜嚮向嚶嘤囀啭囁嗫囂嚣囈呓囌苏囪囱堊垩堝埚堯尧塋茔塒埘塚冢塹堑墾垦壎埙壙圹"
    "壟垄壢坜奐奂奩奁婁娄媧娲媼媪嫗妪嫵妩嫻娴嬈娆嬋婵嬌娇嬤嬷嬪嫔孃娘寵宠尷尴峴岘崑昆崙仑崢峥嵐岚嶄崭嶔嵚嶸嵘嶽岳巒峦巔巅幃帏幗帼幟帜廄厩"
    "廝厮廬庐弒弑弔吊彆别彌弥彥彦彫雕徠徕悅悦悵怅惻恻愛爱愴怆愷恺愾忾慄栗慍愠慚惭慫怂慼戚慾欲憚惮憫悯憮怃憶忆懍懔懣懑懾慑捫扪捱挨掄抡摑掴"
    "摯挚摻掺撳揿撻挞撾挝擲掷擷撷擻擞攣挛斕斓於于昇升暉晖暘旸暢畅曄晔曆历曇昙曖暧曬晒朧胧朮术枴拐梔栀梟枭棗枣棧栈棲栖楓枫楨桢榦干槨椁槳桨"
    "樂乐樅枞樞枢樸朴樺桦橈桡橢椭橫横檔档檜桧檢检檣樯檮梼檯台檳槟檸柠檻槛櫓橹櫚榈櫛栉櫝椟櫬榇欐𪲔欖榄歟欤歿殁殤殇殮殓氬氩氳氲氾泛汎泛洶汹"
    "浹浃淒凄淵渊渙涣減减湊凑準准滄沧滌涤漣涟漸渐潯浔澀涩澠渑澤泽澦滪濛蒙濰潍濾滤瀋沈瀏浏瀘泸瀟潇瀨濑瀰弥瀲潋灤滦烏乌煥焕煬炀熒荧熾炽燦灿"
    "燴烩燻熏燼烬燾焘牘牍犖荦犛牦犢犊狽狈猙狰獄狱獰狞獷犷獺獭玀猡琺珐琿珲瑤瑶璣玑璦瑷璽玺璿璇瓊琼瓔璎瓚瓒甌瓯甦苏疇畴痠酸瘍疡瘧疟瘺瘘癆痨"
    "癘疠癟瘪癡痴癥症癩癞癬癣癮瘾皚皑盃杯盧卢盪荡睞睐瞼睑矇蒙矓眬矚瞩硃朱硯砚碩硕磧碛磯矶礪砺礫砾礬矾祿禄禎祯禪禅秈籼稈秆稟禀穀谷穌稣穎颖"
    "穠秾穡穑穫获窪洼竇窦筧笕箇个箋笺箏筝篠筿篤笃篩筛簍篓簑蓑簞箪簣篑簫箫簾帘籌筹籟籁籮箩籲吁粵粤糝糁糰团紂纣紆纡紇纥紉纫紐纽紕纰紜纭紡纺"
    "紱绂紲绁紳绅紼绋絀绌絃弦絛绦絡络絢绚絰绖絳绛絹绢綏绥綑捆綜综綞缍綢绸綬绶綰绾綱纲綴缀綵彩綸纶綺绮綻绽綽绰綾绫緇缁緒绪緘缄緙缂緞缎締缔"
    "緣缘編编緬缅緯纬緲缈緹缇縈萦縉缙縊缢縐绉縑缣縝缜縞缟縯𬙂縲缧縴纤縵缦縹缥繅缫繆缪繈𫄶繒缯織织繕缮繚缭繡绣繫系繭茧繳缴繹绎繽缤纓缨纔才"
    "缽钵罌罂羈羁羋芈羶膻聰聪聶聂脩修脫脱腎肾膾脍臏膑臘腊臚胪臢臜艦舰芻刍苧苎茲兹荊荆莖茎莢荚莧苋菴庵菸烟萇苌萊莱萵莴葦苇蒐搜蒞莅蓀荪蓮莲"
    "蕪芜薊蓟薑姜薔蔷薹苔薺荠藪薮藷𫉄藹蔼藺蔺蘊蕴蘋苹蘚藓蘭兰蛻蜕蜆蚬蝨虱蝸蜗螻蝼蟈蝈蟬蝉蟯蛲蟻蚁蠅蝇蠔蚝蠣蛎蠱蛊蠶蚕蠻蛮袞衮裊袅褸褛褻亵"
    "襖袄襠裆襤褴襬摆覦觎覬觊覲觐觴觞訃讣訌讧訏𬣙訐讦訑𫍙訕讪訖讫託托訛讹訝讶訢䜣訣诀訥讷訪访訶诃註注証证詁诂詆诋詔诏詖诐詛诅詠咏詣诣詩诗"
    "詫诧詬诟詮诠詰诘詼诙誅诛誑诳誕诞誚诮語语誠诚誡诫誣诬誥诰誦诵誨诲誶谇誹诽誼谊諂谄諄谆諉诿諍诤諛谀諜谍諦谛諧谐諫谏諭谕諱讳諳谙諶谌諷讽"
    "諸诸諺谚諼谖諾诺謁谒謄誊謎谜謐谧謗谤謙谦講讲謨谟謫谪謬谬謹谨譁哗譆𫍻譎谲譏讥譙谯譚谭譟噪譫谵譴谴譽誉讖谶讚赞讜谠豈岂豔艳貫贯貯贮貲赀"
    "貳贰貶贬貽贻貿贸賁贲賂赂賃赁賄贿賅赅資资賈贾賑赈賒赊賜赐賡赓賢贤賤贱賦赋賺赚賻赙賽赛贅赘贍赡贓赃贖赎贗赝贛赣趨趋踴踊蹕跸蹣蹒蹺跷躂跶"
    "躉趸躊踌躋跻躑踯躓踬躡蹑躪躏軏𫐄軒轩軔轫軛轭軻轲軼轶軾轼輊轾輒辄輓挽輜辎輞辋輟辍輦辇輳辏輻辐輿舆轄辖轅辕轍辙轔辚轡辔辮辫辯辩迴回逕迳"
    "這这連连週周進进遜逊選选遼辽還还邇迩邏逻邐逦鄒邹鄴邺酈郦醃腌醞酝醣糖醬酱醱酦釁衅釅酽釐厘釗钊釙钋釦扣釧钏釩钒釵钗鈇𫓧鈉钠鈍钝鈐钤鈑钣"
    "鈔钞鈞钧鈣钙鈷钴鈸钹鈹铍鈽钸鈾铀鈿钿鉀钾鉉铉鉋铇鉍铋鉑铂鉚铆鉸铰鉻铬銑铣銓铨銖铢銘铭銨铵銬铐銻锑銼锉鋇钡鋰锂錕锟錙锱錚铮錠锭錡锜錨锚"
    "錫锡錮锢錳锰鍍镀鍔锷鍚钖鍛锻鍥锲鍬锹鍰锾鍾钟鎂镁鎊镑鎔镕鎘镉鎢钨鎰镒鎳镍鏃镞鏍镙鏑镝鏗铿鏘锵鏜镗鏝镘鏤镂鏨錾鐃铙鐫镌鐲镯鐳镭鐸铎鐺铛"
    "鑄铸鑑鉴鑒鉴鑠铄鑣镳鑪𬬻鑲镶鑷镊鑾銮閂闩閎闳閏闰閑闲閔闵閡阂閣阁閤合閨闺閩闽閭闾閻阎闈闱闋阕闐阗闔阖闕阙闡阐闢辟陘陉陝陕陞升隴陇雋隽"
    "雛雏霽霁靄霭靦腼靨靥鞏巩鞦秋韁缰韃鞑韆千韉鞯韋韦韜韬韻韵頁页頃顷頊顼頌颂頑顽領领頜颌頡颉頤颐頫𫖯頷颔頹颓顆颗額额顎颚顓颛顥颢顰颦颯飒"
    "颶飓颺飏颼飕飩饨飪饪飭饬飴饴飾饰餃饺餅饼餉饷餌饵餒馁餚肴餛馄餞饯餡馅餾馏餿馊饉馑饑饥饒饶饗飨饜餍馭驭馮冯馱驮馳驰馴驯駑驽駒驹駙驸駝驼"
    "駟驷駢骈駭骇駱骆駿骏騁骋騖骛騫骞騵𫘪騾骡驃骠驍骁驕骄驛驿驥骥驪骊髏髅髖髋鬨哄魎魉魘魇魯鲁魷鱿鮑鲍鮪鲔鮫鲛鮭鲑鯀鲧鯖鲭鯛鲷鯧鲳鯨鲸鯽鲫"
    "鰍鳅鰓鳃鰥鳏鰭鳍鰱鲢鰾鳔鱉鳖鱖鳜鱗鳞鱟鲎鱸鲈鳩鸠鳴鸣鳶鸢鴃𫛞鴒鸰鴕鸵鴛鸳鴣鸪鴦鸯鴻鸿鵑鹃鵠鹄鵡鹉鵪鹌鵲鹊鶉鹑鶯莺鷂鹞鷓鹧鷗鸥鷥鸶鷺鹭"
    "鸚鹦鸛鹳鸞鸾鹵卤麩麸麴曲黌黉黷黩鼕冬齋斋齜龇齟龃齦龈齧啮齪龊齬龉齷龌龔龚"
)
_SIMPLE = {ord(_PAIRS[i]): _PAIRS[i + 1] for i in range(0, len(_PAIRS), 2)}
_DIGITS = {
    c: d
    for d, chars in enumerate(("零〇", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for c in chars
}
# the look-behind keeps this linear: a run of numerals is tried once, from its beginning
_NUMERAL = re.compile(
    r"(?<![零〇一二三四五六七八九十百])[零〇一二三四五六七八九十百]+(?=[栋幢号单元楼层室村期区组门路环街])"
)
_CJK = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")
# Default_Ignorable_Code_Point (Unicode 16, DerivedCoreProperties.txt), the format characters (Cf) beside it, the
# control characters that do not part words, the Braille cell without a dot, and what is no character at all
_IGNORED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufdd0-\ufdef\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# marks that are put over a character: the accent of a letter is part of it after NFKC, what is left is decoration
_OVER = re.compile(
    rf"(?<=[0-9A-Za-z{_CJK}])"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u302a-\u302f\u3099\u309a\ua670-\ua672\ufe20-\ufe2f]+"
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SENTENCE = re.compile(r"[。!?;\n]+|\.\s")
_BLANKS = re.compile(r"\s+")
_BESIDE_CJK = re.compile(rf"(?<=[{_CJK}]) | (?=[{_CJK}])")
MOST_TERMS = 2000  # of one text; far above 4,000 characters of prose


def normalise_text(text: str) -> str:
    """A text without what nobody sees: invisible marks and control characters gone, every kind of line break one "\\n",
    width folded (NFKC). Case and words stay as they are."""
    seen = "\n".join(_IGNORED.sub("", text).splitlines())
    return _OVER.sub("", unicodedata.normalize("NFKC", seen))


def replace_lone_surrogates(text: str) -> str:
    """With U+FFFD for each lone surrogate, as an emoji cut in two leaves it: no database takes one."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def is_blank(text: str) -> bool:
    """Whether there is nothing to be seen in it."""
    return not normalise_text(text).strip()


@lru_cache(maxsize=512)  # a narrative is folded for triage, and again for the search index
def fold_text(text: str) -> str:
    """The shadow of a text, in one line: a blank or a line break beside a Chinese character parts no word, any other is
    one blank. Not of the same length; never shown to anybody."""
    return _numerals(join_broken_words(_simple(text)))


def fold_sentences(text: str) -> list[str]:
    """The shadow of each of its sentences. A line break ends one."""
    return [_numerals(join_broken_words(s)) for s in _SENTENCE.split(_simple(text)) if s]


def join_broken_words(text: str) -> str:
    """Without the blanks and line breaks beside Chinese characters: a word broken by one is whole again."""
    return _BESIDE_CJK.sub("", _BLANKS.sub(" ", text))


def _simple(text: str) -> str:
    return normalise_text(text).casefold().translate(_SIMPLE)


def _numerals(text: str) -> str:
    return _NUMERAL.sub(lambda m: _arabic(m[0]), text)


def _arabic(numeral: str) -> str:
    if "十" not in numeral and "百" not in numeral:
        return "".join(str(_DIGITS[c]) for c in numeral)
    total, digit = 0, 0
    for c in numeral:
        if c in "十百":
            total += (digit or 1) * (10 if c == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[c]
    return str(total + digit)


def index_terms(*texts: str | None) -> list[str]:
    """What a text can be found by: pairs of neighbouring CJK characters, the last one of each run alone, and whole words.

    A one-character query asks for terms that begin with it: every character begins a pair or ends a run."""
    found: dict[str, None] = {}
    for text in texts:
        for run in _RUN.findall(fold_text(text or "")):
            if _IS_CJK.match(run):
                found.update(dict.fromkeys(map(add, run, run[1:])))
                found[run[-1]] = None
            else:
                found[run[:40]] = None
    return list(found)[:MOST_TERMS]


def query_terms(query: str) -> list[tuple[str, bool]]:
    """The terms a query asks for, all of which must be there; True: as a beginning."""
    wanted: dict[tuple[str, bool], None] = {}
    # somebody who searches puts a blank between words: it is kept, unlike in a narrative
    for run in (run for word in _simple(query).split() for run in _RUN.findall(_numerals(word))):
        if not _IS_CJK.match(run):
            wanted[(run[:40], True)] = None
        elif len(run) == 1:
            wanted[(run, True)] = None
        else:
            wanted.update(dict.fromkeys((run[i : i + 2], False) for i in range(len(run) - 1)))
    return list(wanted)


def is_latin(character: str) -> bool:
    """Whether it is one of a-z and 0-9; "" is not."""
    return character.isascii() and character.isalnum()
